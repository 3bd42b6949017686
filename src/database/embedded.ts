// The embedded database: one server for a data folder, however many processes of this service use
// it, and whatever was killed before.
//
// One process owns the server: it starts it, starts it again when it dies, and stops it. Others
// that open the same folder are guests; when the owner goes, a guest becomes the owner. Who owns
// and what runs stands in two files of the run folder, read and written under the folder's lock:
//
//   owner.json    the process that owns the server, and which of its openings of the folder
//   server.json   the server's process
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { prepareServer } from './choose-server.ts';
import { answers, createPointsDatabase, pidFileOf, urlFor } from './connect.ts';
import type { Database } from './database.ts';
import { explainFileError, makePrivateFolder } from './files.ts';
import { lockFolder } from './folder-lock.ts';
import {
  identityOf,
  isAlive,
  ownIdentity,
  type ProcessIdentity,
  readIdentity,
  removeIdentity,
  writeIdentity,
} from './process-identity.ts';
import { rememberVersion } from './server-files.ts';
import { explainFailure } from './server-log.ts';
import { endServer, killServer, type ServerIdentity, startServer, waitUntilUp } from './server-process.ts';
import { socketPathFor } from './socket-path.ts';
import { watch } from './watch.ts';

type EmbeddedOptions = { dataDir: string; bufferPool: string; log: (line: string) => void };

type Owner = ProcessIdentity & { opening: string };

/** One opening of the folder by one process. */
type Opening = {
  dataDir: string;
  run: string;
  ownerFile: string;
  serverFile: string;
  socketPath: string;
  bufferPool: string;
  log: (line: string) => void;
  self: Owner;
  role: 'owner' | 'guest';
  stopping: boolean;
};

const ENTER_ATTEMPTS = 5;

export async function openEmbedded(options: EmbeddedOptions): Promise<Database> {
  const opening = makeOpening(options);
  try {
    await enter(opening);
  } catch (error) {
    await leave(opening).catch(() => undefined);
    throw explainFileError(error, opening.dataDir);
  }
  const stopWatching = watch({
    log: opening.log,
    trouble: () => trouble(opening),
    repair: () => takePart(opening),
  });
  const stop = async () => {
    opening.stopping = true;
    await stopWatching();
    await leave(opening);
  };
  let stopped: Promise<void> | undefined;
  return {
    url: urlFor(opening.socketPath),
    embedded: true,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

function makeOpening({ dataDir: folder, bufferPool, log }: EmbeddedOptions): Opening {
  const dataDir = resolve(folder);
  const run = join(dataDir, 'run');
  try {
    makePrivateFolder(run);
    return {
      dataDir,
      run,
      ownerFile: join(run, 'owner.json'),
      serverFile: join(run, 'server.json'),
      socketPath: socketPathFor(run),
      bufferPool,
      log,
      self: { ...ownIdentity(), opening: randomUUID() },
      role: 'guest',
      stopping: false,
    };
  } catch (error) {
    throw explainFileError(error, dataDir);
  }
}

async function enter(opening: Opening): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    await takePart(opening);
    try {
      return await createPointsDatabase(opening.socketPath);
    } catch (error) {
      // An owner that is killed just now may take its server along between these two steps.
      if (attempt === ENTER_ATTEMPTS) throw error;
      await sleep(200);
    }
  }
}

/** Finds this opening's role and has the server running when it returns. */
async function takePart(opening: Opening): Promise<void> {
  for (;;) {
    const owner = await locked(opening, async () => {
      const other = livingOwner(opening);
      if (other === undefined || isSelf(opening, other)) await own(opening);
      return other !== undefined && !isSelf(opening, other) ? other : opening.self;
    });
    if (isSelf(opening, owner)) return;
    // Waited for without the lock: the owner needs it to start the server again.
    if (await isServedBy(opening, owner)) {
      opening.role = 'guest';
      return;
    }
  }
}

async function locked<T>(opening: Opening, work: () => Promise<T>): Promise<T> {
  const release = await lockFolder(opening.run, () =>
    opening.log('waiting for another process that is starting or stopping the database'),
  );
  try {
    return await work();
  } finally {
    release();
  }
}

function livingOwner(opening: Opening): Owner | undefined {
  const owner = readIdentity<Owner>(opening.ownerFile);
  return owner !== undefined && isAlive(owner) ? owner : undefined;
}

function isSelf(opening: Opening, owner: Owner): boolean {
  return owner.opening === opening.self.opening;
}

/** True once the owner's server answers; false when the owner has gone. */
async function isServedBy(opening: Opening, owner: Owner): Promise<boolean> {
  const patience = Date.now() + 60_000;
  while (livingOwner(opening)?.opening === owner.opening) {
    if (await answers(opening.socketPath)) return true;
    if (opening.stopping || Date.now() > patience) {
      throw new Error(
        `Process ${owner.pid} runs the database in ${opening.dataDir}, but the database does not answer.`,
      );
    }
    await sleep(50);
  }
  return false;
}

/** Under the lock, with no other owner: keeps the server that runs or starts one, and signs as its owner. */
async function own(opening: Opening): Promise<void> {
  if (!(await keepRunningServer(opening))) await startNewServer(opening);
  writeIdentity(opening.ownerFile, opening.self);
  opening.role = 'owner';
}

/** True when a server was left running and is now ours. */
async function keepRunningServer(opening: Opening): Promise<boolean> {
  const { socketPath, serverFile, log } = opening;
  const server = readIdentity<ServerIdentity>(serverFile);
  if (server === undefined || !isAlive(server)) return keepUnknownServer(opening);
  const owner = readIdentity<Owner>(opening.ownerFile);
  const lostItsOwner = owner === undefined || !isSelf(opening, owner);
  if (server.tied && lostItsOwner) {
    // It is dying with its owner, even if it still answers: two on the same files would not do.
    await killServer(server, log);
    return false;
  }
  return waitUntilUp(socketPath, server, log);
}

/** A server answers although nobody noted its process: its own note of its process id will do. */
async function keepUnknownServer(opening: Opening): Promise<boolean> {
  if (!(await answers(opening.socketPath))) return false;
  const pid = Number(readFileSync(await pidFileOf(opening.socketPath), 'utf8'));
  const identity = identityOf(pid);
  if (identity === undefined) return false;
  writeIdentity(opening.serverFile, { ...identity, tied: false } as ServerIdentity);
  return true;
}

async function startNewServer(opening: Opening): Promise<void> {
  const { dataDir, run, socketPath, serverFile, bufferPool, log } = opening;
  const { program, files } = await prepareServer(dataDir, log);
  const settings = { socketPath, pidFile: join(run, 'database.pid'), bufferPool };
  const { identity, logged } = startServer(program, files, settings);
  writeIdentity(serverFile, identity);
  if (!(await waitUntilUp(socketPath, identity, log))) {
    removeIdentity(serverFile);
    throw explainFailure(`The database in ${dataDir} did not start`, files.errorLog, logged);
  }
  rememberVersion(files, program);
}

/** What is wrong with the database, in words for the log; undefined when it is well. */
function trouble(opening: Opening): string | undefined {
  if (opening.role === 'guest') {
    return livingOwner(opening) ? undefined : 'the process that ran the database has ended; taking it over';
  }
  const server = readIdentity(opening.serverFile);
  return server !== undefined && isAlive(server) ? undefined : 'the database ended unexpectedly; starting it again';
}

/** Ends the server, unless another process owns it and lives. */
async function leave(opening: Opening): Promise<void> {
  await locked(opening, async () => {
    const owner = livingOwner(opening);
    if (owner !== undefined && !isSelf(opening, owner)) return;
    const server = readIdentity(opening.serverFile);
    if (server !== undefined) await endServer(server, opening.log);
    removeIdentity(opening.serverFile);
    removeIdentity(opening.ownerFile);
  });
}
