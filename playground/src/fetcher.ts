// From GraphiQL to the server: questions and changes by POST, subscriptions over the socket.
import type { Fetcher, FetcherParams, FetcherReturnType } from '@graphiql/toolkit';
import { getOperationAST, parse, type DocumentNode } from 'graphql';
import { type Client, createClient } from 'graphql-ws';

import { dryRun, readout, type Readout } from './readout';
import { authorization, refresh, session } from './session';

const INTROSPECTION = 'IntrospectionQuery';

export const fetcher: Fetcher = (given, options) => {
  const document = parsed(given.query);
  const named = document && getOperationAST(document, given.operationName);
  // What is run right after it was written may still have the name of what was there before.
  const operation = named ?? (document && getOperationAST(document));
  const params = named ? given : { ...given, operationName: operation?.name?.value };
  if (operation?.operation === 'subscription') return watch(params);
  const headers = new Headers(options?.headers as Record<string, string> | undefined);
  return ask(params, headers, operation?.operation === 'mutation');
};

function parsed(query: string): DocumentNode | undefined {
  try {
    return parse(query);
  } catch {
    return undefined;
  }
}

async function ask(params: FetcherParams, own: Headers, mutation: boolean) {
  const { query, operationName, variables } = params;
  const extensions = mutation && dryRun.get() ? { dryRun: true } : undefined;
  const body = JSON.stringify({ query, operationName, variables, extensions });
  const began = performance.now();
  let answer = await send(body, own);
  // The token may have ended before its time. Nothing ran.
  if (answer.status === 401 && session.get() && !own.has('authorization')) {
    await refresh();
    if (session.get()) answer = await send(body, own);
  }
  const text = await answer.text();
  const ms = performance.now() - began;
  const json = JSON.parse(text);
  if (operationName !== INTROSPECTION) {
    readout.set({
      kind: 'answer',
      status: answer.status,
      ms,
      bytes: new Blob([text]).size,
      requestId: answer.headers.get('x-request-id') ?? undefined,
      cost: json.extensions?.cost,
    });
  }
  return json;
}

async function send(body: string, own: Headers) {
  const headers = new Headers({
    accept: 'application/graphql-response+json',
    'content-type': 'application/json',
  });
  const bearer = await authorization();
  if (bearer) headers.set('authorization', bearer);
  own.forEach((value, name) => headers.set(name, value));
  return fetch('/graphql', { method: 'POST', headers, body });
}

/** Answers silently, for the page's own purposes; nothing when it is refused. */
export async function lookUp(query: string): Promise<Record<string, unknown> | null> {
  try {
    const answer = await send(JSON.stringify({ query }), new Headers());
    return (await answer.json()).data ?? null;
  } catch {
    return null;
  }
}

let client: Client | null = null;

// A socket belongs to whoever opened it.
session.subscribe(() => {
  void client?.dispose();
  client = null;
});

function socket(): Client {
  const url = new URL('/graphql/ws', location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  client ??= createClient({
    url: url.href,
    connectionParams: async () => {
      const bearer = await authorization();
      return bearer ? { authorization: bearer } : {};
    },
  });
  return client;
}

function watch(params: FetcherParams): FetcherReturnType {
  type Answer = Record<string, unknown>;
  type Listener = { next(answer: Answer): void; error(error: unknown): void; complete(): void };
  const answers = {
    subscribe(listener: Listener) {
      let [count, bytes] = [0, 0];
      const tell = (state: Extract<Readout, { kind: 'events' }>['state']) =>
        readout.set({ kind: 'events', count, bytes, state });
      tell('open');
      const { query, variables } = params;
      const operationName = params.operationName ?? undefined;
      const unsubscribe = socket().subscribe<Answer>(
        { query, variables, operationName },
        {
          next(answer) {
            count += 1;
            bytes += new Blob([JSON.stringify(answer)]).size;
            tell('open');
            listener.next(answer as Answer);
          },
          error(error) {
            tell('closed');
            listener.error(told(error));
          },
          complete() {
            tell('complete');
            listener.complete();
          },
        },
      );
      return { unsubscribe };
    },
  };
  // GraphiQL knows this one of the ways to subscribe; its type wants them all.
  return answers as unknown as FetcherReturnType;
}

/** What the socket says is an event, or a list of GraphQL's errors. */
function told(error: unknown) {
  if (Array.isArray(error)) return error;
  if (error instanceof CloseEvent) {
    return { message: `The socket was closed: ${error.code} ${error.reason}`.trim() };
  }
  if (error instanceof Error) return { message: error.message };
  return { message: 'The socket could not be opened.' };
}
