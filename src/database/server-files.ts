// The folder in which a server keeps its tables, and what a new one is made from.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makePrivateFolder, removeFolder, writeFileAtomically } from './files.ts';
import { explainFailure, logSize } from './server-log.ts';
import {
  isOlderSeries,
  type ServerKind,
  type ServerProgram,
  serverEnvironment,
  systemTablesFile,
} from './server-program.ts';
import { tied } from './tied.ts';

export type ServerFiles = { data: string; temporary: string; errorLog: string; version: string };

export function serverFilesIn(dataDir: string, kind: ServerKind): ServerFiles {
  const home = join(dataDir, kind);
  return {
    data: join(home, 'data'),
    temporary: join(home, 'tmp'),
    errorLog: join(home, 'error.log'),
    version: join(home, 'version'),
  };
}

/** Which kind of server this data folder has tables of; undefined for a new one. */
export function kindOfData(dataDir: string): ServerKind | undefined {
  return (['mariadb', 'mysql'] as const).find((kind) => existsSync(serverFilesIn(dataDir, kind).data));
}

/** Why `program` must not run on this data folder; undefined when it may. */
export function objectionTo(program: ServerProgram, dataDir: string): string | undefined {
  const kind = kindOfData(dataDir);
  if (kind === undefined) return undefined;
  if (kind !== program.kind) return `${program.path} is ${program.kind}, but ${dataDir} was made by ${kind}`;
  const version = readVersion(serverFilesIn(dataDir, kind));
  if (version === undefined || !isOlderSeries(program.version, version)) return undefined;
  return `${program.path} is ${kind} ${program.version}, but ${dataDir} was last used by the newer ${version}`;
}

export function rememberVersion(files: ServerFiles, program: ServerProgram): void {
  if (readVersion(files) !== program.version) writeFileAtomically(files.version, program.version);
}

function readVersion(files: ServerFiles): string | undefined {
  return existsSync(files.version) ? readFileSync(files.version, 'utf8').trim() : undefined;
}

/** The options that the making of the tables and the running server must agree on. */
export function fileOptions(program: ServerProgram, files: ServerFiles, data: string): string[] {
  const options = ['--no-defaults', `--datadir=${data}`, `--tmpdir=${files.temporary}`];
  if (process.getuid?.() === 0) options.push('--user=root');
  if (program.shareFolder !== undefined) {
    options.push(`--lc-messages-dir=${program.shareFolder}`, `--character-sets-dir=${program.shareFolder}/charsets`);
  } else {
    // The compiled-in folder exists only where a package's install script made it.
    options.push('--secure-file-priv=NULL');
  }
  return options;
}

/** Makes the tables unless they are there. They get their name last: half-made ones are made again. */
export async function prepareFiles(
  program: ServerProgram,
  files: ServerFiles,
  log: (line: string) => void,
): Promise<void> {
  makePrivateFolder(dirname(files.data));
  makePrivateFolder(files.temporary);
  if (existsSync(files.data)) return;
  log(`preparing a new database in ${files.data}`);
  const home = dirname(files.data);
  for (const name of readdirSync(home)) if (name.endsWith('.draft')) removeFolder(join(home, name));
  // A name of its own: a preparation whose parent was killed may still be writing into another draft.
  const draft = join(home, `data.${randomUUID()}.draft`);
  makePrivateFolder(draft);
  const options = fileOptions(program, files, draft);
  if (program.kind === 'mysql') await runInit(program, [...options, '--initialize-insecure'], '', files.errorLog);
  else await runInit(program, [...options, ...BOOTSTRAP_OPTIONS], systemTablesSql(program), files.errorLog);
  renameSync(draft, files.data);
}

const BOOTSTRAP_OPTIONS = [
  '--bootstrap',
  '--enforce-storage-engine=',
  '--max-allowed-packet=8M',
  '--net-buffer-length=16K',
  '--log-warnings=0',
];

/** What mariadb-install-db feeds to the server, without its help texts. One statement a line. */
function systemTablesSql(program: ServerProgram): string {
  const share = program.shareFolder!;
  const files = [
    systemTablesFile(share, 'system_tables'),
    systemTablesFile(share, 'performance_tables'),
    systemTablesFile(share, 'system_tables_data'),
    join(share, 'maria_add_gis_sp_bootstrap.sql'),
  ];
  const scripts = files.filter((file) => file !== undefined && existsSync(file)) as string[];
  return [
    'create database if not exists mysql;',
    'use mysql;',
    // root without a password, which only the socket in our private folder leads to.
    'SET @auth_root_socket=NULL;',
    'SET @skip_auth_root_nopasswd=NULL;',
    ...scripts.map((file) => readFileSync(file, 'utf8')),
    '',
  ].join('\n');
}

function runInit(program: ServerProgram, options: string[], sql: string, errorLog: string): Promise<void> {
  const logged = logSize(errorLog);
  const output = openSync(errorLog, 'a', 0o600);
  return new Promise<void>((resolve, reject) => {
    // Half-made tables are of no use: it need not outlive this process.
    const [command, args] = tied(program.path, options);
    const child = spawn(command, args, {
      stdio: ['pipe', output, output],
      env: serverEnvironment(program.libraryPath),
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(explainFailure('The new database could not be prepared', errorLog, logged));
    });
    // A server that ends early closes the pipe; what it ended of is in its log.
    child.stdin!.on('error', () => undefined);
    child.stdin!.end(sql);
  }).finally(() => closeSync(output));
}
