// Who is signed in. The tokens live as long as the browser's tab.
import { say } from './notice';
import { store } from './store';

export interface Session {
  accessToken: string;
  refreshToken: string;
  /** When the access token ends, by this machine's clock. */
  until: number;
  name: string;
  email: string;
  tenant: string;
  roles: string[];
}

export interface SignInInput {
  email: string;
  password: string;
  tenant?: string;
  totp?: string;
}

interface UserError {
  code: string;
  message: string;
  field: string[] | null;
}

/** Why somebody is not signed in. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly code: string,
  ) {
    super(message);
  }
}

const KEPT = 'kontor:session';
/** A token is renewed this long before its end. */
const EARLY = 60_000;

const PAYLOAD = `accessToken refreshToken expiresAt
  viewer { user { name email } tenant { name } roles { name } }
  userErrors { code message field }`;
const SIGN_IN = `mutation SignIn($input: SignInInput!) { session: signIn(input: $input) { ${PAYLOAD} } }`;
const REFRESH = `mutation SessionRefresh($token: String!) { session: sessionRefresh(refreshToken: $token) { ${PAYLOAD} } }`;
const SIGN_OUT = 'mutation SignOut { signOut { userErrors { code } } }';

export const session = store<Session | null>(kept());

function kept(): Session | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? 'null');
  } catch {
    return null;
  }
}

function keep(next: Session | null) {
  if (next) sessionStorage.setItem(KEPT, JSON.stringify(next));
  else sessionStorage.removeItem(KEPT);
  session.set(next);
}

async function post(query: string, variables: object, token?: string) {
  const headers: Record<string, string> = {
    accept: 'application/graphql-response+json',
    'content-type': 'application/json',
  };
  if (token) headers.authorization = `Bearer ${token}`;
  const body = JSON.stringify({ query, variables });
  const answer = await fetch('/graphql', { method: 'POST', headers, body });
  return { answer, json: await answer.json() };
}

async function begin(query: string, variables: object): Promise<Session> {
  const { answer, json } = await post(query, variables);
  const payload = json.data?.session;
  if (!payload?.accessToken) {
    const error: UserError | undefined = payload?.userErrors?.[0];
    const [top] = json.errors ?? [];
    const wait = answer.headers.get('retry-after');
    const message = error?.message ?? top?.message ?? 'The server did not answer as it should.';
    throw new Refused(wait ? `${message} Wait ${wait} s.` : message, error?.code ?? top?.extensions?.code);
  }
  // The two clocks may differ.
  const there = Date.parse(answer.headers.get('date') ?? '') || Date.now();
  const { viewer } = payload;
  return {
    accessToken: payload.accessToken,
    refreshToken: payload.refreshToken,
    until: Date.now() + Date.parse(payload.expiresAt) - there,
    name: viewer.user.name,
    email: viewer.user.email,
    tenant: viewer.tenant.name,
    roles: viewer.roles.map((role: { name: string }) => role.name),
  };
}

export async function signIn(input: SignInInput) {
  const next = await begin(SIGN_IN, { input });
  const before = session.get();
  keep(next);
  if (before) void post(SIGN_OUT, {}, before.accessToken).catch(() => {});
}

export async function signOut() {
  const before = session.get();
  keep(null);
  if (before) await post(SIGN_OUT, {}, before.accessToken).catch(() => {});
}

let refreshing: Promise<void> | null = null;

/** New tokens for the old ones; several who ask at once share one request. */
export function refresh(): Promise<void> {
  refreshing ??= renew().finally(() => {
    refreshing = null;
  });
  return refreshing;
}

async function renew() {
  const before = session.get();
  if (!before) return;
  try {
    const next = await begin(REFRESH, { token: before.refreshToken });
    // Somebody else may have signed in meanwhile.
    if (session.get() === before) keep(next);
  } catch (error) {
    // A server that cannot be reached ends no session.
    if (!(error instanceof Refused) || session.get() !== before) return;
    if (['UNAVAILABLE', 'TIMEOUT', 'THROTTLED', 'INTERNAL'].includes(error.code)) return;
    keep(null);
    say({ text: 'Your session has ended. Sign in again.' });
  }
}

/** What the Authorization header says; nothing when nobody is signed in. */
export async function authorization(): Promise<string | undefined> {
  const now = session.get();
  if (now && now.until - Date.now() < EARLY) await refresh();
  const token = session.get()?.accessToken;
  return token && `Bearer ${token}`;
}
