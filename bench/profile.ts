import type { BenchDatabase } from './database.ts';
import type { Settings } from './settings.ts';
export async function profile(_settings: Settings, _database: BenchDatabase): Promise<void> {}
