// One sentence above the editors, with at most one thing to do about it.
import { store } from './store';

export interface Notice {
  text: string;
  action?: { label: string; run(): void };
}

export const notice = store<Notice | null>(null);

export function say(next: Notice | null) {
  notice.set(next);
}
