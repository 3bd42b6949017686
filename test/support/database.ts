// A database of its own for a test, on the server that test/support/setup.ts chose.
import { randomBytes } from 'node:crypto';
import mysql from 'mysql2/promise';

export type TestDatabase = { url: string; drop(): Promise<void> };

export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env.TEST_SERVER_URL;
  if (!server) throw new Error('TEST_SERVER_URL is not set: run the tests with `npm test` or `npx mocha`');
  const made = Math.floor(Date.now() / 1000).toString(16);
  const name = `points_test_${made}${randomBytes(6).toString('hex')}`;
  await onServer(server, `CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
  return {
    url: withDatabase(server, name),
    drop: () => onServer(server, `DROP DATABASE IF EXISTS ${name}`),
  };
}

/** Databases that killed test runs left behind: the name begins with the second in which it was made. */
export async function dropOldTestDatabases(server: string): Promise<void> {
  const yesterday = Date.now() / 1000 - 24 * 60 * 60;
  const connection = await mysql.createConnection(withDatabase(server, ''));
  try {
    const [rows] = await connection.query('SHOW DATABASES');
    for (const name of (rows as { Database: string }[]).map((row) => row.Database)) {
      const made = /^points_test_([0-9a-f]{8})[0-9a-f]+$/.exec(name)?.[1];
      if (made && Number.parseInt(made, 16) < yesterday) await connection.query(`DROP DATABASE IF EXISTS ${name}`);
    }
  } finally {
    await connection.end();
  }
}

/** The same server, user, password and options, another database. */
function withDatabase(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function onServer(server: string, statement: string): Promise<void> {
  const connection = await mysql.createConnection(withDatabase(server, ''));
  try {
    await connection.query(statement);
  } finally {
    await connection.end();
  }
}
