// Talks to the embedded server over its socket.
import mysql from 'mysql2/promise';

const USER = 'root';
const DATABASE = 'points';

export function urlFor(socketPath: string): string {
  return `mysql://${USER}@localhost/${DATABASE}?socketPath=${encodeURIComponent(socketPath)}`;
}

export async function answers(socketPath: string): Promise<boolean> {
  try {
    await ask(socketPath, 'SELECT 1');
    return true;
  } catch {
    return false;
  }
}

/** Byte for byte comparison: payers that differ in case are two payers. */
export async function createPointsDatabase(socketPath: string): Promise<void> {
  await ask(socketPath, `CREATE DATABASE IF NOT EXISTS \`${DATABASE}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
}

/** The file in which the server wrote its process id. */
export async function pidFileOf(socketPath: string): Promise<string> {
  const rows = await ask(socketPath, 'SELECT @@pid_file AS path');
  return (rows as { path: string }[])[0]!.path;
}

async function ask(socketPath: string, sql: string): Promise<unknown> {
  const connection = await mysql.createConnection({ socketPath, user: USER, connectTimeout: 5000 });
  try {
    const [rows] = await connection.query({ sql, timeout: 30_000 });
    await connection.end();
    return rows;
  } finally {
    connection.destroy();
  }
}
