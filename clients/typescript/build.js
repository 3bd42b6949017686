// npm run build: dist/ from src/. Made beside it and then put in its place: nothing stale stays in the package, and who
// imports dist/ meanwhile finds it whole.
import { spawnSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

process.chdir(import.meta.dirname);
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
rmSync('dist.next', { recursive: true, force: true });
const { status } = spawnSync(
  process.execPath,
  [join(typescript, 'bin/tsc'), '-p', 'tsconfig.json', '--outDir', 'dist.next'],
  { stdio: 'inherit' },
);
if (status !== 0) process.exit(1);
rmSync('dist', { recursive: true, force: true });
renameSync('dist.next', 'dist');
