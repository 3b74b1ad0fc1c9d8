// A configuration as large sites have: many routes that filter, look up, set and send. Made, never real.
#pragma once

#include <string>

namespace hilum::config::test {

// A fifth of the routes extends a route with parameters, the others say everything themselves.
inline std::string many_routes(int count, std::string const& csv) {
    std::string text =
        "tables: { wards: { csv: \"" + csv + "\", key: local, value: standard } }\nlisteners:\n";
    for (int i = 0; i < count / 10; ++i)
        text += "  in" + std::to_string(i) + ": { mllp: { listen: \"127.0.0.1:" + std::to_string(2000 + i) +
                "\", idle: 10m } }\n";
    text += "destinations:\n";
    for (int i = 0; i < count / 5; ++i)
        text += "  out" + std::to_string(i) +
                ": { mllp: { connect: \"lab.example:2575\" }, retry: { first: 1s, max: 60s }, order_by: "
                "PID-3.1 }\n";
    text +=
        "routes:\n"
        "  - name: base\n    abstract: true\n    when: MSH-9.1 = 'ADT' and PV1-3.1 = '${param.ward}'\n"
        "    steps:\n      - set: { MSH-5: \"WARD ${param.ward}\", PID-5.1: =PID-5.1.upper() }\n"
        "      - lookup: { field: PV1-3.1, table: wards, otherwise: pass }\n";
    for (int i = 0; i < count; ++i) {
        std::string const number = std::to_string(i), in = std::to_string(i % (count / 10)),
                          out = std::to_string(i % (count / 5));
        text += "  - name: r" + number + "\n    from: in" + in + "\n    to: out" + out + "\n";
        if (i % 5 == 0) {
            text += "    extends: base\n    with: { ward: W" + number + " }\n";
            continue;
        }
        text += "    when: MSH-9.1 = 'ADT' and MSH-9.2 in ('A01' | 'A04' | 'A08') and PV1-3.1 = 'W" + number +
                "'\n    steps:\n      - set: { MSH-5: LAB, MSH-6: W" + number +
                ", PID-5.1: =PID-5.1.upper() }\n"
                "      - lookup: { field: PV1-3.1, table: wards, otherwise: pass }\n"
                "      - copy: { PID-2: PID-3.1 }\n      - delete: NK1[*]\n";
    }
    return text;
}

}  // namespace hilum::config::test
