import { accountName, HOT, SPEND_POINTS_MAX } from './settings.ts';

/** Whose points are spent: those of one hot account, or of any of the first `count`, each as likely. */
export type Accounts = { readonly hot: true } | { readonly hot: false; readonly count: number };

/** The names, made once: a load should spend its time on calls. */
export function pickAccount(accounts: Accounts): () => string {
  if (accounts.hot) return () => HOT;
  const names = Array.from({ length: accounts.count }, (_, index) => accountName(index + 1));
  return () => names[Math.floor(Math.random() * names.length)] ?? HOT;
}

/** Points of a spend. */
export function pickPoints(): number {
  return 1 + Math.floor(Math.random() * SPEND_POINTS_MAX);
}
