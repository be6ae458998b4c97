// The examples of playground/operations, grouped by area. Each of them is run by a test.
import { type OperationDefinitionNode, type TypeNode, Kind, parse } from 'graphql';

export interface Example {
  file: string;
  title: string;
  /** What the document calls it. */
  operation: string | null;
  group: string;
  kind: 'query' | 'mutation' | 'subscription';
  text: string;
  /** What the comments at its top say. */
  about: string;
  /** Whom to sign in as. */
  email?: string;
  /** What they have to have first, such as "a second factor". */
  having?: string;
  /** Variables that somebody has to give. */
  required: { name: string; type: string }[];
}

export interface Group {
  name: string;
  examples: Example[];
}

/** Where the first word of a file's name, or all of it, is not its area's name. Others are their own. */
const AREAS: Record<string, string> = {
  any: 'Any record',
  access: 'People',
  audit: 'Audit',
  change: 'Changes',
  explain: 'Documents',
  'explain-access': 'Roles',
  invitation: 'People',
  password: 'Signing in',
  recovery: 'Second factor',
  second: 'Second factor',
  security: 'Security policy',
  session: 'Signing in',
  sign: 'Signing in',
  sso: 'Single sign-on',
  step: 'Second factor',
  totp: 'Second factor',
  user: 'People',
  who: 'Signing in',
  api: 'Programs',
  document: 'Documents',
};
const FIRST = ['Companies', 'Tags', 'Changes'];
const LAST = [
  'Any record',
  'Signing in',
  'People',
  'Roles',
  'Security policy',
  'Second factor',
  'Single sign-on',
  'Programs',
  'Audit',
];

const KINDS = ['query', 'subscription', 'mutation'];

const texts = import.meta.glob<string>('../operations/*.graphql', {
  query: '?raw',
  import: 'default',
  eager: true,
});

export const groups: Group[] = grouped(
  Object.entries(texts).map(([path, text]) => read(path.replace(/^.*\/|\.graphql$/g, ''), text)),
);

function read(file: string, text: string): Example {
  const document = parse(text, { noLocation: true });
  const operation = document.definitions.find(
    (definition): definition is OperationDefinitionNode => definition.kind === Kind.OPERATION_DEFINITION,
  )!;
  const top = text.split('\n').slice(
    0,
    text.split('\n').findIndex((line) => !line.startsWith('#')),
  );
  const as = top[0]?.match(/^# as ([^,]+)(?:, who has (.+))?$/);
  const about = top.filter((line) => !line.startsWith('# as ')).map((line) => line.slice(1).trim());
  const given = operation.variableDefinitions ?? [];
  const required = given
    .filter((variable) => variable.type.kind === Kind.NON_NULL_TYPE && !variable.defaultValue)
    .map((variable) => ({ name: variable.variable.name.value, type: named(variable.type) }));
  return {
    file,
    operation: operation.name?.value ?? null,
    title: sentence(operation.name?.value ?? file),
    group: area(file),
    kind: operation.operation,
    text,
    about: about.join(' '),
    email: as?.[1],
    having: as?.[2],
    required,
  };
}

function named(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : named(type.type);
}

/** "CompanyCreate" is "Company create". */
function sentence(name: string) {
  const words = name.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
  const shouted = words.replace(/\b(api|sso|totp)\b/g, (word) => word.toUpperCase());
  return shouted.charAt(0).toUpperCase() + shouted.slice(1);
}

function area(file: string) {
  const word = file.split('-')[0]!;
  const one = word.replace(/ies$/, 'y').replace(/(?<=[^s])s$/, '');
  const many = one.replace(/y$/, 'ie') + 's';
  return AREAS[file] ?? AREAS[one] ?? many.charAt(0).toUpperCase() + many.slice(1);
}

function grouped(examples: Example[]): Group[] {
  const names = [...new Set(examples.map((example) => example.group))];
  const place = (name: string) => {
    if (FIRST.includes(name)) return FIRST.indexOf(name) - FIRST.length;
    return LAST.indexOf(name) + 1;
  };
  names.sort((a, b) => place(a) - place(b) || a.localeCompare(b));
  return names.map((name) => ({
    name,
    examples: examples
      .filter((example) => example.group === name)
      // Questions first.
      .sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || a.title.localeCompare(b.title)),
  }));
}
