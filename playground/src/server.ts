// What the server says about itself.
import { store } from './store';

export interface DemoPerson {
  email: string;
  name: string;
  role: string;
}

export interface Server {
  version: string;
  /** Absent where it is no demo. */
  demo: {
    password: string;
    tenants: { slug: string; name: string; people: DemoPerson[] }[];
  } | null;
}

export const server = store<Server | null>(null);

export async function meetServer() {
  const answer = await fetch('/playground/server.json');
  server.set(await answer.json());
}

/** The person of the demo with this address. */
export function demoPerson(email: string): DemoPerson | undefined {
  const tenants = server.get()?.demo?.tenants ?? [];
  return tenants.flatMap((tenant) => tenant.people).find((person) => person.email === email);
}
