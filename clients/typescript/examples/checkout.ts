// A shop's checkout: customers earn points with a purchase, spend them at the till, and get them back with a refund.
//
//   POST /purchases      {"customer", "order", "cents", "at"}   earns 1 point for every 10 cents; at: when, in RFC 3339
//   POST /tills          {"customer", "order", "points"}        pays with points: all of them, or none
//   POST /refunds        {"customer", "order"}                  gives the points of that order's payment back
//   GET  /customers/NAME                                        the points of a customer
//
// Run it: POINTS_ADDRESS=localhost:50051 POINTS_TOKEN=... PORT=3000 npx tsx checkout.ts
// The token is a service's, with the scopes earn, spend, reverse and read.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import {
  connect,
  InsufficientPointsError,
  InvalidArgumentError,
  NotFoundError,
  PointsError,
  RequestIdReusedError,
  ReversalExceedsSpendError,
} from '@points-ledger/client';

const { POINTS_ADDRESS = 'localhost:50051', POINTS_TOKEN = '', PORT = '3000' } = process.env;
const points = connect({ address: POINTS_ADDRESS, token: POINTS_TOKEN });

/** A real shop keeps this in its database, beside the order. */
const payments = new Map<string, number>();

async function purchase({ customer, order, cents, at }: Body) {
  const account = text(customer, 'customer');
  const earned = Math.floor(amount(cents, 'cents') / 10);
  const transaction = {
    account,
    payer: 'CORNER SHOP',
    points: earned,
    // The order's own time: a purchase that is sent again must be the same in everything.
    timestamp: text(at, 'at'),
    requestId: requestIdOf('purchase', text(order, 'order')),
  };
  // The ledger records no transaction of 0 points.
  if (earned === 0) return { earned, balance: (await points.getBalance({ account })).points };
  const { balance } = await points.addTransaction(transaction);
  return { earned, balance };
}

async function pay(body: Body) {
  const order = text(body.order, 'order');
  const { transaction, payers, balance } = await points.spendPoints({
    account: text(body.customer, 'customer'),
    points: Number(body.points),
    requestId: requestIdOf('payment', order),
  });
  payments.set(order, transaction.sequence);
  return { paid: -transaction.points, balance, payers };
}

async function refund(body: Body) {
  const order = text(body.order, 'order');
  const account = text(body.customer, 'customer');
  const sequence = payments.get(order);
  if (sequence === undefined) throw new UnknownOrder(`order ${order} was not paid with points`);
  const { transaction, balance } = await points.reverseSpend({
    account,
    sequence,
    reason: `refund of order ${order}`,
    requestId: requestIdOf('refund', order),
  });
  return { refunded: transaction.points, balance };
}

/**
 * The request_id follows from the order. So a browser that sends an order twice, or a shop that is restarted while it
 * waits for the ledger and sends it again, neither earns nor pays twice.
 */
function requestIdOf(step: string, order: string): string {
  const hex = createHash('sha256').update(`corner-shop/${step}/${order}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** What went wrong, as the till shows it. */
function refusal(error: unknown): [status: number, body: object] {
  if (error instanceof InsufficientPointsError) {
    return [402, { error: `${error.available} points are left, ${error.shortfall} too few` }];
  }
  if (error instanceof ReversalExceedsSpendError) return [409, { error: 'this order is refunded already' }];
  if (error instanceof RequestIdReusedError) return [409, { error: `this order has another ${error.field} already` }];
  if (error instanceof InvalidArgumentError) return [400, { error: error.message, fields: error.violations }];
  if (error instanceof NotFoundError || error instanceof UnknownOrder) return [404, { error: error.message }];
  if (error instanceof WrongField) return [400, { error: error.message, fields: [error] }];
  if (error instanceof SyntaxError) return [400, { error: error.message }];
  if (error instanceof PointsError) return [503, { error: 'the points are away; please try again' }];
  return [500, { error: 'our fault' }];
}

class UnknownOrder extends Error {}

class WrongField extends Error {
  readonly field: string;
  readonly description: string;

  constructor(field: string, description: string) {
    super(`${field}: ${description}`);
    this.field = field;
    this.description = description;
  }
}

type Body = Record<string, unknown>;

const ROUTES: Record<string, (body: Body) => Promise<object>> = {
  'POST /purchases': purchase,
  'POST /tills': pay,
  'POST /refunds': refund,
};

async function answer(request: IncomingMessage): Promise<[status: number, body: object]> {
  try {
    const [, customer] = /^\/customers\/([^/]+)$/.exec(request.url ?? '') ?? [];
    if (request.method === 'GET' && customer) return [200, await points.getBalance({ account: customer })];
    const route = ROUTES[`${request.method} ${request.url}`];
    if (!route) return [404, { error: 'no such page' }];
    return [200, await route(await read(request))];
  } catch (error) {
    return refusal(error);
  }
}

async function read(request: IncomingMessage): Promise<Body> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  const parsed = JSON.parse(body);
  if (typeof parsed !== 'object' || parsed === null) throw new WrongField('body', 'must be an object');
  return parsed;
}

/** A text that names something. Halves of surrogate pairs do not: in UTF-8 they are all the same. */
function text(value: unknown, field: string): string {
  if (typeof value === 'string' && /^\P{Surrogate}+$/u.test(value)) return value;
  throw new WrongField(field, 'must be a text');
}

function amount(value: unknown, field: string): number {
  if (Number.isSafeInteger(value) && Number(value) >= 0) return Number(value);
  throw new WrongField(field, 'must be a whole number, 0 or more');
}

const server = createServer(async (request, response) => {
  const [status, body] = await answer(request);
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
});
server.listen(Number(PORT), () => {
  const address = server.address();
  console.log(`the till is open on port ${typeof address === 'object' && address ? address.port : address}`);
});

process.once('SIGTERM', () => {
  server.close();
  points.close();
});
