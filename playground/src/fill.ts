// Values for an example's variables: `$companyId` is a company that one sees, the newest where the list
// can be sorted so: what one example made the next one takes.
import {
  type GraphQLArgument,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';

import type { Example } from './examples';
import { lookUp } from './fetcher';

export interface Filled {
  variables: Record<string, unknown>;
  /** What nothing was found for. */
  open: string[];
}

export async function fill(example: Example, schema: GraphQLSchema | null | undefined): Promise<Filled> {
  const filled: Filled = { variables: {}, open: [] };
  for (const { name, type } of example.required) {
    const found = type === 'ID' && schema ? await one(schema, name) : undefined;
    filled.variables[name] = found ?? (type === 'Int' || type === 'Float' ? 0 : '');
    if (found === undefined) filled.open.push(`$${name}`);
  }
  return filled;
}

/** The id of a record of the kind that a variable's name ends in; of `next…` it is the second one. */
async function one(schema: GraphQLSchema, variable: string): Promise<string | undefined> {
  const words = variable.replace(/Id$/, '').split(/(?=[A-Z])/);
  const own = words[0] === 'own';
  const place = words[0] === 'next' ? 1 : 0;
  while (words.length > 0) {
    const kind = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
    const list = listOf(schema, kind) ?? listIn(schema, kind);
    if (list) {
      const builtIn = own && list.fields.includes('builtIn') ? ' builtIn' : '';
      const record = list.within ? `${list.within} { id }` : `id${builtIn}`;
      const asked = list.paged ? `(first: 20${list.newest}) { nodes { ${record} } }` : ` { ${record} }`;
      const data = await lookUp(`{ ${list.name}${asked} }`);
      type Record = { id: string; builtIn?: boolean } & { [within: string]: Record[] };
      const answer = data?.[list.name] as { nodes: Record[] } | Record[] | null | undefined;
      const found = Array.isArray(answer) ? answer : (answer?.nodes ?? []);
      const records = list.within ? (found[0]?.[list.within] ?? []) : found;
      return records.filter((record) => !record.builtIn)[place]?.id;
    }
    words.shift();
  }
  return undefined;
}

interface List {
  name: string;
  paged: boolean;
  fields: string[];
  /** How it is asked for the newest on top. */
  newest: string;
  /** The records are not the list's own, but in this field of theirs. */
  within?: string;
}

function listOf(schema: GraphQLSchema, kind: string): List | undefined {
  const found = Object.values(schema.getQueryType()?.getFields() ?? {})
    .filter((field) => !field.args.some(isRequiredArgument))
    .flatMap((field) => {
      const list = listed(field.type, kind);
      return list ? [{ name: field.name, newest: newest(field.args), ...list }] : [];
    });
  return found.sort((a, b) => a.name.length - b.name.length)[0];
}

/** Where records are listed in others only: stages in their pipelines. */
function listIn(schema: GraphQLSchema, kind: string): List | undefined {
  for (const outer of Object.values(schema.getTypeMap())) {
    if (!isObjectType(outer) || outer.name.startsWith('__')) continue;
    const field = Object.values(outer.getFields()).find(
      (field) => !field.args.some(isRequiredArgument) && listed(field.type, kind)?.paged === false,
    );
    const list = field && listOf(schema, outer.name);
    if (list) return { ...list, within: field.name };
  }
  return undefined;
}

function newest(args: readonly GraphQLArgument[]): string {
  const order = getNamedType(args.find((argument) => argument.name === 'orderBy')?.type);
  const by = isInputObjectType(order) && getNamedType(order.getFields().field?.type);
  return isEnumType(by) && by.getValue('CREATED_AT') ? ', orderBy: [{ field: CREATED_AT, direction: DESC }]' : '';
}

function listed(type: GraphQLOutputType, kind: string): { paged: boolean; fields: string[] } | undefined {
  const fieldsOf = (of: GraphQLOutputType) => {
    const named = getNamedType(of);
    return isObjectType(named) && named.name === kind ? Object.keys(named.getFields()) : undefined;
  };
  const bare = isNonNullType(type) ? type.ofType : type;
  const paged = !isListType(bare);
  const nodes = isObjectType(bare) ? bare.getFields().nodes : undefined;
  const fields = fieldsOf(paged ? (nodes?.type ?? bare) : bare);
  return fields && (!paged || nodes) ? { paged, fields } : undefined;
}
