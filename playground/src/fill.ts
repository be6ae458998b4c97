// Values for an example's variables: `$companyId` is the first company that one sees.
import {
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
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
    const found = type === 'ID' && schema ? await first(schema, name) : undefined;
    filled.variables[name] = found ?? (type === 'Int' || type === 'Float' ? 0 : '');
    if (found === undefined) filled.open.push(`$${name}`);
  }
  return filled;
}

/** The id of the first record of the kind that a variable's name ends in. */
async function first(schema: GraphQLSchema, variable: string): Promise<string | undefined> {
  const words = variable.replace(/Id$/, '').split(/(?=[A-Z])/);
  const own = words[0] === 'own';
  while (words.length > 0) {
    const kind = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
    const list = listOf(schema, kind);
    if (list) {
      const builtIn = own && list.fields.includes('builtIn') ? ' builtIn' : '';
      const record = `id${builtIn}`;
      const asked = list.paged ? `(first: 20) { nodes { ${record} } }` : ` { ${record} }`;
      const data = await lookUp(`{ ${list.name}${asked} }`);
      type Record = { id: string; builtIn?: boolean };
      const answer = data?.[list.name] as { nodes: Record[] } | Record[] | null | undefined;
      const records = Array.isArray(answer) ? answer : (answer?.nodes ?? []);
      return records.find((found) => !found.builtIn)?.id;
    }
    words.shift();
  }
  return undefined;
}

function listOf(schema: GraphQLSchema, kind: string) {
  const found = Object.values(schema.getQueryType()?.getFields() ?? {})
    .filter((field) => !field.args.some(isRequiredArgument))
    .map((field) => ({ name: field.name, ...listed(field.type, kind) }))
    .filter((field): field is { name: string; paged: boolean; fields: string[] } => 'paged' in field);
  return found.sort((a, b) => a.name.length - b.name.length)[0];
}

function listed(type: GraphQLOutputType, kind: string): { paged: boolean; fields: string[] } | object {
  const fieldsOf = (of: GraphQLOutputType) => {
    const named = getNamedType(of);
    return isObjectType(named) && named.name === kind ? Object.keys(named.getFields()) : undefined;
  };
  const bare = isNonNullType(type) ? type.ofType : type;
  if (isListType(bare)) {
    const fields = fieldsOf(bare);
    return fields ? { paged: false, fields } : {};
  }
  const nodes = isObjectType(bare) ? bare.getFields().nodes : undefined;
  const fields = nodes && fieldsOf(nodes.type);
  return fields ? { paged: true, fields } : {};
}
