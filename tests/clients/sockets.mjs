// graphql-transport-ws as its protocol has it: frames by hand, and npm's graphql-ws as a client.
// node sockets.mjs WS_URL TOKEN: one line for each case that failed, then how many were fine.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { need, run } from './cases.mjs';

const [url, token] = process.argv.slice(2);
const PROTOCOL = 'graphql-transport-ws';
const authorization = `Bearer ${token}`;
const init = { type: 'connection_init', payload: { authorization } };
const dialled = [];
const idle = 'subscription { changes { cursor } }';
const replay = 'subscription { changes(after: "0", first: 3) { cursor } }';

/** A socket whose messages are awaited one by one; it ends with the code that it was closed with. */
function dial({ protocol = PROTOCOL, ...options } = {}) {
  const socket = new WebSocket(url, protocol, options);
  dialled.push(socket);
  const heard = [];
  const waiting = [];
  const hand = (event) => (waiting.length ? waiting.shift()(event) : heard.push(event));
  socket.on('message', (text, binary) => hand(binary ? { binary } : JSON.parse(text)));
  socket.on('close', (code, reason) => hand({ closed: code, reason: String(reason) }));
  socket.on('unexpected-response', (_, response) => hand({ status: response.statusCode }));
  socket.on('error', () => {});
  const opened = new Promise((fine) => socket.on('open', fine));
  return {
    socket,
    opened,
    say: async (message) => {
      await opened;
      socket.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message));
    },
    next: () => (heard.length ? Promise.resolve(heard.shift()) : new Promise((fine) => waiting.push(fine))),
  };
}

async function ready(options) {
  const line = dial(options);
  await line.say(init);
  const ack = await line.next();
  need(ack.type === 'connection_ack', ack);
  return line;
}

/** Ends every socket, and waits until the server has seen it. */
async function hangUp() {
  dialled.splice(0).forEach((socket) => socket.terminate());
  await new Promise((fine) => setTimeout(fine, 150));
}

const subscribe = (id, query, variables) => ({ id, type: 'subscribe', payload: { query, variables } });

async function closes(code, line) {
  const event = await line.next();
  need(event.closed === code, event);
}

const client = () =>
  createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0, connectionParams: { authorization } });

async function all(query) {
  const one = client();
  const answers = [];
  for await (const answer of one.iterate({ query })) answers.push(answer);
  await one.dispose();
  return answers;
}

await run('cases of graphql-transport-ws', {
  'the protocol is chosen': async () => {
    const line = dial();
    await line.opened;
    need(line.socket.protocol === PROTOCOL, line.socket.protocol);
    line.socket.terminate();
  },
  'another protocol is refused': async () => {
    const event = await dial({ protocol: 'graphql-ws' }).next();
    need(event.status === 400, event);
  },
  'a page from elsewhere is refused': async () => {
    const event = await dial({ origin: 'https://elsewhere.example' }).next();
    need(event.status === 403, event);
  },
  'a page of our own is let in': async () => {
    await ready({ origin: url.replace('ws', 'http').replace(/(\/\/[^/]+).*/, '$1') });
  },
  'silence closes 4408': async () => closes(4408, dial()),
  'a bad token closes 4403': async () => {
    const line = dial();
    await line.say({ type: 'connection_init', payload: { authorization: 'Bearer nonsense' } });
    await closes(4403, line);
  },
  'who is not signed in asks what is public': async () => {
    const line = dial();
    await line.say({ type: 'connection_init' });
    need((await line.next()).type === 'connection_ack', 'no ack');
    await line.say(subscribe('1', '{ viewer { tenant { slug } } }'));
    const next = await line.next();
    need(next.type === 'next' && next.payload.data.viewer === null, next);
    need((await line.next()).type === 'complete', 'no complete');
    await line.say(subscribe('2', idle));
    const refused = await line.next();
    need(refused.type === 'error' && refused.payload[0].extensions.code === 'UNAUTHENTICATED', refused);
  },
  'a second connection_init closes 4429': async () => {
    const line = await ready();
    await line.say(init);
    await closes(4429, line);
  },
  'asking before the ack closes 4401': async () => {
    const line = dial();
    await line.say(subscribe('1', '{ __typename }'));
    await closes(4401, line);
  },
  'the same id twice closes 4409': async () => {
    const line = await ready();
    await line.say(subscribe('x', idle));
    await line.say(subscribe('x', idle));
    await closes(4409, line);
  },
  'an id that is free again is good again': async () => {
    const line = await ready();
    for (const _ of [1, 2]) {
      await line.say(subscribe('x', '{ __typename }'));
      need((await line.next()).type === 'next', 'no next');
      need((await line.next()).type === 'complete', 'no complete');
    }
  },
  ...Object.fromEntries(
    [
      'no json',
      '[]',
      '{"type":"wat"}',
      '{"type":"subscribe","payload":{"query":"{ __typename }"}}',
      '{"type":"subscribe","id":7,"payload":{"query":"{ __typename }"}}',
      '{"type":"subscribe","id":"1"}',
      '{"type":"complete"}',
      Buffer.from([1, 2, 3]),
    ].map((message) => [
      `${message} closes 4400`,
      async () => {
        const line = await ready();
        await line.say(message);
        await closes(4400, line);
      },
    ]),
  ),
  'a message that is too long closes the socket': async () => {
    const line = await ready();
    await line.say(subscribe('1', `{ __typename } # ${'x'.repeat(1024 * 1024)}`));
    const event = await line.next();
    need(event.closed, event);
  },
  'a ping is answered, before and after the ack': async () => {
    const line = dial();
    await line.say({ type: 'ping', payload: { n: 1 } });
    const pong = await line.next();
    need(pong.type === 'pong' && pong.payload.n === 1, pong);
    await line.say(init);
    await line.next();
    await line.say({ type: 'ping' });
    need((await line.next()).type === 'pong', 'no pong');
  },
  'what is not valid is an error and no answer': async () => {
    const line = await ready();
    for (const payload of [{ query: '{ nope }' }, { query: '{' }, { query: 7 }, {}]) {
      await line.say({ id: '1', type: 'subscribe', payload });
      const error = await line.next();
      need(error.type === 'error' && error.payload[0].extensions.code, error);
    }
  },
  'a subscription has one field at its root, however it is written': async () => {
    const line = await ready();
    const spread = 'subscription { ...F } fragment F on Subscription { changes(after: "0", first: 1) { cursor } }';
    await line.say(subscribe('1', spread));
    const next = await line.next();
    need(next.payload?.data?.changes?.cursor, next);
    need((await line.next()).type === 'complete', 'no complete');
    for (const query of [
      'subscription { a: changes { cursor } b: changes { cursor } }',
      'subscription { __typename }',
      'subscription { changes @skip(if: false) { cursor } }',
      'subscription { ...F } fragment F on Subscription { ...F }',
    ]) {
      await line.say(subscribe('2', query));
      const error = await line.next();
      need(error.type === 'error', error);
    }
  },
  'complete ends a subscription': async () => {
    const line = await ready();
    await line.say(subscribe('1', 'subscription { changes(after: "0") { cursor } }'));
    await line.next();
    await line.say({ id: '1', type: 'complete' });
    await line.say({ type: 'ping' });
    for (let event = await line.next(); event.type !== 'pong'; event = await line.next()) {
      need(event.type === 'next', event);
    }
    await line.say({ type: 'ping' });
    need((await line.next()).type === 'pong', 'told after it was completed');
  },
  'ten subscriptions on a socket, and no more': async () => {
    const line = await ready();
    for (let n = 0; n < 11; n += 1) await line.say(subscribe(`s${n}`, idle));
    const refused = await line.next();
    need(refused.type === 'error' && refused.payload[0].extensions.code === 'THROTTLED', refused);
    line.socket.terminate();
  },
  'five sockets of a person, and no more': async () => {
    const lines = [];
    for (let n = 0; n < 5; n += 1) lines.push(await ready());
    const sixth = dial();
    await sixth.say(init);
    await closes(1013, sixth);
    await hangUp();
    await ready();
  },
  "npm's client asks": async () => {
    const [answer] = await all('{ viewer { user { email } } }');
    need(answer.data.viewer.user.email, answer);
  },
  "npm's client follows": async () => {
    const answers = await all(replay);
    need(answers.length === 3 && new Set(answers.map((a) => a.data.changes.cursor)).size === 3, answers);
  },
}, hangUp);
