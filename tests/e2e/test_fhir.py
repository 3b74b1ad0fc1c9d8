"""FHIR resources at the desk: hilum convert, inspect and eval."""

import json
import os

import hilum_e2e as e2e
from hilum_e2e import check

PATIENT = {'resourceType': 'Patient', 'id': 'p1', 'active': True, 'name': [{'family': 'Doe', 'given': ['John', 'Q']}],
           'birthDate': '1970', '_birthDate': {'id': 'b'}}
XML = ('<?xml version="1.0" encoding="UTF-8"?>\n<Patient xmlns="http://hl7.org/fhir"><id value="p1"/><active value="true"/><name>'
       '<family value="Doe"/><given value="John"/><given value="Q"/></name><birthDate id="b" value="1970"/></Patient>\n')


def written(dir, name, text):
    path = os.path.join(dir, name)
    with open(path, 'w') as f:
        f.write(text)
    return path


def test_convert():
    with e2e.folder() as dir:
        path = written(dir, 'patient.json', json.dumps(PATIENT))
        code, out, err = e2e.hilum('convert', '--to', 'xml', path)
        check((code, out) == (0, XML), out + err)
        code, out, err = e2e.hilum('convert', '--to', 'json', written(dir, 'patient.xml', XML))
        check(code == 0 and json.loads(out) == PATIENT, out + err)
        code, out, err = e2e.hilum('convert', '--to', 'hl7', path)
        check(code == 2 and 'xml or json' in err, err)
        code, out, err = e2e.hilum('convert', '--to', 'json', written(dir, 'bad.xml', XML.replace('family', 'famly')))
        check(code == 1 and 'unknown_element at line 2' in err, err)
        code, out, err = e2e.hilum('convert', '--to', 'xml', written(dir, 'bad.json', json.dumps({**PATIENT, 'x': 1})))
        check(code == 1 and 'unknown_element at Patient.x' in err, err)


def test_inspect():
    with e2e.folder() as dir:
        path = written(dir, 'patient.json', json.dumps({**PATIENT, 'gender': 'm'}))
        code, out, err = e2e.hilum('inspect', path)
        check(code == 0 and 'error: Patient.gender: ' in out and 'Patient.name[0].given[1]  Q\n' in out, out + err)
        code, out, err = e2e.hilum('inspect', '--json', path)
        issue = json.loads(out)['issue']
        check([(i['severity'], i['code'], i['expression'], i['details']['text']) for i in issue]
              == [('error', 'code-invalid', ['Patient.gender'], 'binding')], out + err)
        code, out, err = e2e.hilum('inspect', '--json', written(dir, 'good.xml', XML))
        check(code == 0 and [i['severity'] for i in json.loads(out)['issue']] == ['information'], out + err)
        code, out, err = e2e.hilum('inspect', written(dir, 'bomb.xml', '<!DOCTYPE x>' + XML))
        check(code == 1 and 'xml_doctype' in err, err)
        code, out, err = e2e.hilum('inspect', '--path', 'PID-3', path)
        check(code == 2 and 'hilum eval' in err, err)


def test_eval():
    with e2e.folder() as dir:
        code, out, err = e2e.hilum('eval', 'name.given', written(dir, 'patient.xml', XML))
        check((code, out) == (0, 'John\nQ\n'), out + err)


e2e.main(globals())
