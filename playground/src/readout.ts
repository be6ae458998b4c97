// What the last operation took.
import { store } from './store';

export interface Cost {
  requestedQueryCost: number;
  actualQueryCost: number;
  throttleStatus?: { maximumAvailable: number; currentlyAvailable: number; restoreRate: number };
}

export type Readout =
  | { kind: 'answer'; status: number; ms: number; bytes: number; requestId?: string; cost?: Cost }
  | { kind: 'events'; count: number; bytes: number; state: 'open' | 'complete' | 'closed' };

export const readout = store<Readout | null>(null);
/** Mutations are undone after they ran. */
export const dryRun = store(false);
