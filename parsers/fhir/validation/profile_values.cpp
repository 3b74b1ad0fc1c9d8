#include "parsers/fhir/validation/profile_walk.h"

namespace hilum::fhir {
namespace {

bool same_value(Element a, Element b) {
    return a.kind() == b.kind() && a.text() == b.text();
}

}  // namespace

bool same(Element a, Element b) {
    if (!same_value(a, b)) return false;
    auto x = a.first(), y = b.first();
    for (; x.exists() && y.exists(); x = x.next(), y = y.next())
        if (x.name() != y.name() || !same(x, y)) return false;
    return !x.exists() && !y.exists();
}

// As deep as the pattern is, which its reader has bounded.
bool includes(Element element, Element pattern) {
    if (!same_value(element, pattern)) return false;
    for (auto p = pattern.first(); p.exists(); p = p.next()) {
        bool found = false;
        for (auto e = element.first(); e.exists() && !found; e = e.next())
            found = e.name() == p.name() && includes(e, p);
        if (!found) return false;
    }
    return true;
}

}  // namespace hilum::fhir
