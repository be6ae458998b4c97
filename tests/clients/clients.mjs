// Real clients, as front ends have them. node clients.mjs ORIGIN TOKEN DOCUMENT_ID: DOCUMENT_ID is the id of
// the registered document `DOCUMENT`; empty, and the cases about registered documents are left out.
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { cacheExchange, createClient as urql, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { createClient as events } from 'graphql-sse';
import { createClient as sockets } from 'graphql-ws';
import relay from 'relay-runtime';
import WebSocket from 'ws';
import { need, run } from './cases.mjs';

const [origin, token, documentId] = process.argv.slice(2);
const url = `${origin}/graphql`;
const headers = { authorization: `Bearer ${token}` };
const sha256 = (text) => createHash('sha256').update(text).digest('hex');
// As printed by graphql-js, so that every client sends these very bytes.
const DOCUMENT =
  'query Companies {\n  companies(first: 2) {\n    nodes {\n      id\n      name\n      __typename\n    }\n    __typename\n  }\n}';
const WRONG = 'query Wrong { companies { nope } }';
const FOLLOW = 'subscription Follow { changes(after: "0", first: 3) { cursor } }';

const apollo = (link) => new ApolloClient({ cache: new InMemoryCache(), link });
const http = (options = {}) => new HttpLink({ uri: url, headers, ...options });
const urqlWith = (exchanges) => urql({ url, exchanges, fetchOptions: { headers }, preferGetMethod: false });
const named = (data) => need(data?.companies?.nodes?.[0]?.name, data ?? 'no data');

/** All that was sent, in order. */
function spied() {
  const sent = [];
  const spy = (target, options) => {
    const body = options?.body;
    sent.push(body ? JSON.parse(body) : Object.fromEntries(new URL(target).searchParams));
    return fetch(target, options);
  };
  return [spy, sent];
}

function relayAsks(id) {
  const { Environment, Network, RecordSource, Store, createOperationDescriptor, fetchQuery } = relay;
  const scalar = (name) => ({ kind: 'ScalarField', name, alias: null, args: null, storageKey: null });
  const linked = (name, concreteType, plural, selections, args = null, storageKey = null) => ({
    kind: 'LinkedField', name, alias: null, args, concreteType, plural, selections, storageKey,
  });
  const first = [{ kind: 'Literal', name: 'first', value: 2 }];
  const nodes = linked('nodes', 'Company', true, [scalar('__typename'), scalar('id'), scalar('name')]);
  const selections = [linked('companies', 'CompanyConnection', false, [nodes], first, 'companies(first:2)')];
  const params = { name: 'Companies', operationKind: 'query', text: id ? null : DOCUMENT, id, cacheID: 'companies', metadata: {} };
  const request = {
    kind: 'Request',
    fragment: { kind: 'Fragment', name: 'Companies', type: 'Query', metadata: null, argumentDefinitions: [], selections },
    operation: { kind: 'Operation', name: 'Companies', argumentDefinitions: [], selections },
    params,
  };
  const ask = async ({ id, text }, variables) => {
    const body = JSON.stringify(id ? { documentId: id, variables } : { query: text, variables });
    const accept = 'application/graphql-response+json';
    const answer = await fetch(url, { method: 'POST', headers: { ...headers, 'content-type': 'application/json', accept }, body });
    return answer.json();
  };
  const environment = new Environment({ store: new Store(new RecordSource()), network: Network.create(ask) });
  return fetchQuery(environment, createOperationDescriptor(request, {}).request.node, {}).toPromise();
}

await run('cases of real clients', {
  'Apollo asks by POST': async () => named((await apollo(http()).query({ query: gql(DOCUMENT) })).data),
  'Apollo asks by GET': async () =>
    named((await apollo(http({ useGETForQueries: true })).query({ query: gql(DOCUMENT) })).data),
  'Apollo tells what is not valid as GraphQL errors': async () => {
    const failed = await apollo(http()).query({ query: gql(WRONG) }).catch((error) => error);
    need(failed.name === 'CombinedGraphQLErrors', `${failed.name}: ${failed.message}`);
    need(failed.errors[0].extensions.code === 'GRAPHQL_VALIDATION_FAILED', failed.errors);
  },
  'Apollo keeps the data beside an error': async () => {
    const query = gql('query Partial { companies(first: 1) { nodes { name } } node(id: "company_00000000000000000000000000") { id } }');
    const { data, error } = await apollo(http()).query({ query, errorPolicy: 'all' });
    named(data);
    need(data.node === null && error.errors[0].path[0] === 'node', error);
  },
  'urql asks': async () => named((await urqlWith([cacheExchange, fetchExchange]).query(DOCUMENT, {}).toPromise()).data),
  'urql tells what is not valid as GraphQL errors': async () => {
    const { error } = await urqlWith([fetchExchange]).query(WRONG, {}).toPromise();
    need(error?.graphQLErrors?.length && !error.networkError, String(error));
  },
  'Relay asks': async () => named(await relayAsks(null)),
  'graphql-sse follows': async () => {
    const client = events({ url, headers, retryAttempts: 0, singleConnection: false });
    const cursors = [];
    for await (const { data } of client.iterate({ query: FOLLOW })) cursors.push(data.changes.cursor);
    need(new Set(cursors).size === 3, cursors);
  },
  'graphql-sse asks': async () => {
    const client = events({ url, headers, retryAttempts: 0, singleConnection: false });
    const answers = [];
    for await (const answer of client.iterate({ query: DOCUMENT })) answers.push(answer);
    need(answers.length === 1, answers);
    named(answers[0].data);
  },
  'graphql-sse tells what is not valid as GraphQL errors': async () => {
    const client = events({ url, headers, retryAttempts: 0, singleConnection: false });
    const answers = [];
    for await (const answer of client.iterate({ query: WRONG })) answers.push(answer);
    need(answers[0].errors[0].extensions.code === 'GRAPHQL_VALIDATION_FAILED', answers);
  },
  'graphql-ws follows': async () => {
    const client = sockets({
      url: `${url.replace('http', 'ws')}/ws`, webSocketImpl: WebSocket, retryAttempts: 0, connectionParams: headers,
    });
    const cursors = [];
    for await (const { data } of client.iterate({ query: FOLLOW })) cursors.push(data.changes.cursor);
    await client.dispose();
    need(new Set(cursors).size === 3, cursors);
  },
  ...(documentId && {
    'Apollo finds a registered document by its hash, and sends no text': async () => {
      const [spy, sent] = spied();
      const link = ApolloLink.from([new PersistedQueryLink({ sha256 }), http({ fetch: spy })]);
      named((await apollo(link).query({ query: gql(DOCUMENT) })).data);
      need(sent.length === 1 && !sent[0].query, sent);
    },
    'Apollo sends the text where its hash is not registered, each time': async () => {
      const [spy, sent] = spied();
      const link = ApolloLink.from([new PersistedQueryLink({ sha256 }), http({ fetch: spy })]);
      const query = gql('query Stranger { companies(first: 1) { nodes { name } } }');
      const client = apollo(link);
      named((await client.query({ query, fetchPolicy: 'no-cache' })).data);
      named((await client.query({ query, fetchPolicy: 'no-cache' })).data);
      need(sent.length === 4 && !sent[2].query && sent[3].query, sent);
    },
    'urql finds a registered document by its hash': async () => {
      const persisted = persistedExchange({ preferGetForPersistedQueries: false, generateHash: async (text) => sha256(text) });
      named((await urqlWith([persisted, fetchExchange]).query(DOCUMENT, {}).toPromise()).data);
    },
    'Relay asks by id': async () => named(await relayAsks(documentId)),
    'a registered document runs by its id, over POST and GET': async () => {
      const accept = 'application/graphql-response+json';
      const post = { method: 'POST', headers: { ...headers, accept, 'content-type': 'application/json' }, body: JSON.stringify({ documentId }) };
      for (const [target, options] of [[url, post], [`${url}?documentId=${encodeURIComponent(documentId)}`, { headers: { ...headers, accept } }]]) {
        const answer = await fetch(target, options);
        need(answer.status === 200, `${answer.status}`);
        named((await answer.json()).data);
      }
    },
  }),
});
