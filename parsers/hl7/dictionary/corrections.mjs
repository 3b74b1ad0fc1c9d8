// What hl7-dictionary 1.0.1 has wrong or lacks against the published standard, and what later versions add.
// docs/dictionary.md lists all of it; each entry names the chapter it follows.

// Names of groups that are typing errors, or that differ between versions for the same thing: one name lets
// one path serve every version. [versions or '*', structure or '*', from, to]
export const groupNames = [
  ['*', '*', 'TIIMING', 'TIMING'],
  ['*', '*', 'DEFINTION', 'DEFINITION'],
  ['*', '*', 'RSPONSE', 'RESPONSE'],
  ['*', '*', 'LOCATIONL_RESOURCE', 'LOCATION_RESOURCE'],
  ['*', '*', 'Observation/Result_Group', 'OBSERVATION_RESULT_GROUP'],
  ['*', '*', 'SUBJECT_PERSON/ANIMAL_IDENTIFICATION', 'SUBJECT_PERSON_ANIMAL_IDENTIFICATION'],
  ['*', '*', 'SUBJECT_POPULATION/LOCATION_IDENTIFICATION', 'SUBJECT_POPULATION_LOCATION_IDENTIFICATION'],
  ['*', '*', 'OBXNTE', 'OBSERVATION'],  // §9.6.2 since 2.6
  ['*', 'ADT_A40', 'PATIENT_ID', 'PATIENT'],  // §3.3.40: the structure ADT_A39
  ['2.3', 'ORU_R01', 'RESPONSE', 'PATIENT_RESULT'],  // 2.3 names no groups; 2.5 names this one so (§7.3.1)
];

// Choices of which the source keeps the number and not the names (§11.6.3 of 2.7, by their group).
const roles = ['ROL', 'PRT'];
export const choices = {
  RESOURCE_DETAIL: ['AIS', 'AIG', 'AIL', 'AIP'],
  CLINICAL_HISTORY_DETAIL: ['OBR', 'ODS', 'PR1', 'RF1', 'AL1', 'IAM', 'ACC', 'RMI', 'DB1', 'DG1', 'DRG', 'PDA'],
  ROLE_CLINICAL_HISTORY: roles, ROLE_PROBLEM: roles, ROLE_GOAL: roles, ROLE_PATHWAY: roles,
};

// Primitive datatypes that a version uses (§2.A of 2.7; §2.8 of the older ones) and the source leaves out.
export const primitives = {
  '2.1': ['TM'],
  '2.2': ['TM'],
};

// Segments that a structure names and the source defines only in a later version. [version, segment, from]
export const borrowedSegments = [
  ['2.3.1', 'QPD', '2.4'],
  ['2.3.1', 'RCP', '2.4'],
  ['2.3.1', 'QRI', '2.4'],
];

// Single facts about fields. [versions, segment, field, changes]
export const fields = [
  // §2.15.9: the encoding characters are four, since 2.7 up to five with the truncation character.
  ['2.7 2.7.1', 'MSH', 2, {length: 5}],
  // §2.15.9.11, §2.15.9.12: the first components are coded by these tables in every version.
  ['*', 'MSH', 11, {table: 103}],
  ['2.3.1 2.4 2.5 2.5.1 2.6 2.7 2.7.1', 'MSH', 12, {table: 104}],
  // §2.15.9.9 of 2.3.1 and later: three components, of which 15 characters hold type, event and structure.
  ['2.3.1', 'MSH', 9, {length: 15}],
  // §7.4.2.8: interpretation codes
  ['2.5 2.5.1 2.6 2.7 2.7.1', 'OBX', 8, {table: 78}],
  // §7.4.2.2: once; the source has the table's number as the number of repetitions.
  ['2.5.1', 'OBX', 2, {repetitions: 1}],
  // §4.3.1.1, §3.4.1.2: required in every version.
  ['2.3.1', 'ORC', 1, {usage: 'R'}],
  ['2.3', 'EVN', 2, {usage: 'R'}],
  // Withdrawn with 2.7 (§3.4.2, §4.5.3): the source says "backward".
  ['2.7 2.7.1', 'PID', 2, {usage: 'W'}],
  ['2.7 2.7.1', 'PID', 4, {usage: 'W'}],
  ['2.7 2.7.1', 'PID', 9, {usage: 'W'}],
  ['2.7 2.7.1', 'PID', 12, {usage: 'W'}],
  ['2.7 2.7.1', 'PID', 19, {usage: 'W'}],
  ['2.7 2.7.1', 'PID', 20, {usage: 'W'}],
  ['2.7 2.7.1', 'PID', 28, {usage: 'W'}],
  // Kept for older versions from 2.3.1 or 2.5 on (§3.4.2): the source knows no usage B before 2.7.
  ['2.3.1 2.4 2.5 2.5.1 2.6', 'PID', 2, {usage: 'B'}],
  ['2.3.1 2.4 2.5 2.5.1 2.6', 'PID', 4, {usage: 'B'}],
  ['2.4 2.5 2.5.1 2.6', 'PID', 9, {usage: 'B'}],
  ['2.3.1 2.4 2.5 2.5.1 2.6', 'PID', 12, {usage: 'B'}],
  ['2.3.1 2.4 2.5 2.5.1 2.6', 'PID', 19, {usage: 'B'}],
  ['2.5 2.5.1 2.6', 'PID', 20, {usage: 'B'}],
  ['2.4 2.5 2.5.1 2.6', 'PID', 28, {usage: 'B'}],
  // Conditional by text (§7.4.2): OBX-2 when OBX-5 is valued, OBX-4 when several share OBX-3.
  ['2.3 2.3.1 2.4 2.5 2.5.1 2.6 2.7 2.7.1', 'OBX', 2, {usage: 'C'}],
  ['2.2 2.3 2.3.1 2.4 2.5 2.5.1 2.6 2.7 2.7.1', 'OBX', 4, {usage: 'C'}],
  ['2.2 2.3 2.3.1 2.4 2.5 2.5.1 2.6 2.7 2.7.1', 'OBX', 5, {usage: 'C'}],
  // §4.5.3, §4.5.1: one of the two numbers, by who sends it.
  ['2.3 2.3.1 2.4 2.5 2.5.1 2.6 2.7 2.7.1', 'OBR', 2, {usage: 'C'}],
  ['2.3 2.3.1 2.4 2.5 2.5.1 2.6 2.7 2.7.1', 'OBR', 3, {usage: 'C'}],
  ['2.2 2.3 2.3.1 2.4 2.5 2.5.1 2.6 2.7 2.7.1', 'ORC', 2, {usage: 'C'}],
  ['2.2 2.3 2.3.1 2.4 2.5 2.5.1 2.6 2.7 2.7.1', 'ORC', 3, {usage: 'C'}],
];

// Versions the source does not have: each is the one before with `additions`.
export const laterVersions = [
  ['2.8', '2.7.1'],
  ['2.8.1', '2.8'],
  ['2.8.2', '2.8.1'],
];

// What they add for orders, results and their master files, as facts (positions, names, datatypes, tables) from the
// 2.8.2 of github.com/crs4/hl7apy (MIT licence). Which of the three brought a thing follows from the numbers of its
// tables: those from 0934 on came with 2.8.2. [version, segment, field, what]
const o = (name, datatype, table = 0, repetitions = 1) => ({name, datatype, length: 0, repetitions, table, usage: 'O'});
const r = (...facts) => ({...o(...facts), usage: 'R'});
export const additions = [
  ['2.8', 'OBX', 26, {name: 'Patient Results Release Category', datatype: 'ID', table: 909}],
  ['2.8', 'OBX', 27, o('Root Cause', 'CWE', 914)],
  ['2.8', 'OBX', 28, o('Local Process Control', 'CWE', 915, 0)],
  ...[5, 6, 14, 15, 27].map((field) => ['2.8', 'OBR', field, {usage: 'W'}]),
  ['2.8', 'ORC', 7, {usage: 'W'}],
  ['2.8', 'OM1', 48, o('Exclusive Test', 'ID', 919)],
  ['2.8', 'OM1', 49, o('Diagnostic Serv Sect ID', 'ID', 74)],
  ['2.8', 'OM1', 50, o('Taxonomic Classification Code', 'CWE')],
  ['2.8', 'OM1', 51, o('Other Names', 'ST', 0, 0)],
  ['2.8.2', 'OM1', 52, o("Replacement Producer's Service/Test/Observation ID", 'CWE', 0, 0)],
  ['2.8.2', 'OM1', 53, o('Prior Results Instructions', 'TX', 0, 0)],
  ['2.8.2', 'OM1', 54, o('Special Instructions', 'TX')],
  ['2.8.2', 'OM1', 55, o('Test Category', 'CWE', 0, 0)],
  ['2.8.2', 'OM1', 56, o("Observation Identifier associated with Producer's Service/Test/Observation ID", 'CWE')],
  ['2.8.2', 'OM1', 57, o('Typical Turn-Around Time', 'CQ')],
  ['2.8.2', 'OM1', 58, o('Gender Restriction', 'CWE', 1, 0)],
  ['2.8.2', 'OM1', 59, o('Age Restriction', 'NR', 0, 0)],
  ['2.8', 'OM4', 15, o('Specimen Handling Code', 'CWE', 376, 0)],
  ['2.8', 'OM4', 16, o('Specimen Preference', 'ID', 920)],
  ['2.8', 'OM4', 17, o('Preferred Specimen/Attribute Sequence ID', 'NM')],
  ['2.8', 'OM4', 18, o('Taxonomic Classification Code', 'CWE', 0, 0)],
  ['2.8.2', 'ORC', 34, o('Order Workflow Profile', 'CWE', 934, 0)],
  ['2.8.2', 'OBX', 4, {datatype: 'OG'}],
  ['2.8.2', 'OBX', 29, o('Observation Type', 'ID', 936)],
  ['2.8.2', 'OBX', 30, o('Observation Sub-Type', 'ID', 937)],
];
export const addedSegments = [
  ['2.8.2', 'OMC', {title: 'Supporting Clinical Information', positions: [
    o('Sequence Number - Test/Observation Master File', 'NM'), o('Segment Action Code', 'ID', 206), o('Segment Unique Key', 'EI'),
    r('Clinical Information Request', 'CWE'), r('Collection Event/Process Step', 'CWE', 938, 0), r('Communication Location', 'CWE', 939),
    o('Answer Required', 'ID', 136), o('Hint/Help Text', 'ST'), o('Type of Answer', 'varies', 125),
    o('Multiple Answers Allowed', 'ID', 136), o('Answer Choices', 'CWE', 0, 0), o('Character Limit', 'NM'), o('Number of Decimals', 'NM')]}],
];
// §2.A.44 of 2.8.2
export const addedDatatypes = [
  ['2.8.2', 'OG', {title: 'Observation Grouper', positions: [
    o('Original Sub-Identifier', 'ST'), o('Group', 'NM'), o('Sequence', 'NM'), o('Identifier', 'ST')]}],
];

// Events whose message has another structure's name (table 0354). The source's own table is read first;
// these are lacking in it or stand for several versions. [event message, structure]
export const eventStructures = [
  ['ADT_A28', 'ADT_A05'],
  ['ADT_A31', 'ADT_A05'],
  ['ADT_A47', 'ADT_A30'],
];

// Codes the source lacks that senders need: table 0104 ends at 2.7.1 there.
export const codes = {
  104: {'2.8': 'Release 2.8', '2.8.1': 'Release 2.8.1', '2.8.2': 'Release 2.8.2'},
};

// §2.C of 2.8.2 says of each table whether HL7 or the user defines it. The rest is derived: a table of a field
// of type ID is HL7's, of type IS the user's (§2.A.36, §2.A.37).
export const userTables = [5, 6, 21, 43, 51, 53, 72, 84, 88, 186];
export const hl7Tables = [
  1, 3, 8, 38, 48, 61, 74, 76, 78, 80, 85, 91, 103, 104, 105, 119, 123, 125, 136, 155, 163, 190, 200, 201, 202,
  203, 207, 208, 211, 301, 354, 356, 357, 368, 396, 399, 516,
];
