// The benchmark's own database server, and a database on it for each case.
import { readFileSync } from 'node:fs';
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise';
import { connect, migrate, openDatabase } from './product.ts';
import { BUFFER_POOL, DATA_DIR } from './settings.ts';

export interface BenchDatabase {
  /** The server's process. */
  readonly pid: number;
  /** Its name and version. */
  readonly version: string;
  /** For statements of the benchmark itself. */
  readonly admin: Connection;
  /** Makes an empty database of the schema, instead of one that is there; returns its URL. */
  create(name: string): Promise<string>;
  drop(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** All of them begin so, and what a run that was killed left behind is dropped. */
const PREFIX = 'bench_';

export async function openBenchDatabase(log: (line: string) => void): Promise<BenchDatabase> {
  const server = await openDatabase({ databaseUrl: undefined, dataDir: DATA_DIR, bufferPool: BUFFER_POOL, log });
  const admin = await mysql.createConnection({ uri: server.url, dateStrings: true });
  const urlOf = (name: string) => {
    const url = new URL(server.url);
    url.pathname = `/${PREFIX}${name}`;
    return url.href;
  };
  const drop = async (name: string) => {
    await admin.query(`DROP DATABASE IF EXISTS ${PREFIX}${name}`);
  };
  const [left] = await admin.query<RowDataPacket[]>(`SHOW DATABASES LIKE '${PREFIX}%'`);
  for (const row of left) await admin.query(`DROP DATABASE ${Object.values(row)[0]}`);
  const [about = {}] = await query(
    admin,
    "SELECT CONCAT(@@version_comment, ' ', @@version) AS version, @@pid_file AS file",
  );
  return {
    pid: Number(readFileSync(String(about.file), 'utf8')),
    version: String(about.version),
    admin,
    async create(name) {
      await drop(name);
      await admin.query(`CREATE DATABASE ${PREFIX}${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
      const db = connect(urlOf(name), { connectionsMax: 3 });
      await migrate(db);
      await db.destroy();
      return urlOf(name);
    },
    drop,
    async stop() {
      admin.destroy();
      await server.stop();
    },
  };
}

/** The rows of a statement. */
export async function query(connection: Connection, sql: string, values: unknown[] = []) {
  const [rows] = await connection.query<RowDataPacket[]>(sql, values);
  return rows as Record<string, unknown>[];
}

/** The bytes of each table of a database with its indexes, and its rows as the server estimates them. */
export async function tableSizes(
  admin: Connection,
  url: string,
): Promise<Record<string, { bytes: number; rows: number }>> {
  const name = new URL(url).pathname.slice(1);
  await admin.query(
    `ANALYZE TABLE ${['accounts', 'payer_balances', 'open_lots', 'transactions'].map((table) => `${name}.${table}`).join(', ')}`,
  );
  const rows = await query(
    admin,
    `SELECT TABLE_NAME AS name, DATA_LENGTH + INDEX_LENGTH AS bytes, TABLE_ROWS AS row_count
       FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME NOT LIKE 'knex%'`,
    [name],
  );
  return Object.fromEntries(rows.map((row) => [row.name, { bytes: Number(row.bytes), rows: Number(row.row_count) }]));
}
