import { type ChannelCredentials, type ChannelOptions, Client, connectivityState, credentials } from '@grpc/grpc-js';
import { parseAddress, type Target } from './address.ts';
import { version } from './gen/version.ts';

/** The certificates of a TLS connection, all in PEM. */
export interface TlsOptions {
  /** The authorities to trust instead of those Node comes with. */
  readonly rootCertificates?: Buffer | undefined;
  /** The client's own key and certificate chain, where the server asks for them. */
  readonly privateKey?: Buffer | undefined;
  readonly certificateChain?: Buffer | undefined;
}

/** The connections to the servers: a grpc-js client for each address, opened when first used. */
export interface Channels {
  /** A channel for the next attempt: one that is connected where there is one, each in its turn. */
  pick(): Client;
  /**
   * Gives up a channel whose connection no longer answers: calls under way may end on it, the next ones get a new
   * connection. Nothing happens where that was done already.
   */
  renew(channel: Client): void;
  close(): void;
}

const OPTIONS: ChannelOptions = {
  'grpc.primary_user_agent': `points-ledger-client/${version}`,
  // Spread the calls over all the addresses a name stands for.
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  'grpc.service_config_disable_resolution': 1,
  // A connection that answers no ping within 10 s, asked after 20 s of silence during a call, is dead.
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // A server that restarts is found again soon: the retries need it.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  // Connections of its own, so that renew() and close() mean what they say.
  'grpc.use_local_subchannel_pool': 1,
  // call.ts repeats calls, with the same request_id; grpc-js need not buffer them as well.
  'grpc.enable_retries': 0,
  'grpc.enable_channelz': 0,
  // A batch of 1,000 transactions, or a page of 1,000 spends with their allocations, is larger than the default of 4 MB.
  'grpc.max_receive_message_length': 256 * 1024 * 1024,
};

/** Throws a TypeError where an address is none. */
export function openChannels(
  addresses: readonly string[],
  tls: boolean | TlsOptions | undefined,
  channelOptions: ChannelOptions,
): Channels {
  const targets = addresses.map(parseAddress);
  const channels = targets.map(open);
  let turn = 0;

  function open(target: Target): Client {
    // A proxy of the environment is for other machines than this one.
    const proxy: ChannelOptions = target.local ? { 'grpc.enable_http_proxy': 0 } : {};
    return new Client(target.name, credentialsFor(target, tls), { ...OPTIONS, ...proxy, ...channelOptions });
  }

  return {
    pick() {
      turn = (turn + 1) % channels.length;
      const next = channels[turn]!;
      if (channels.length === 1) return next;
      const inTurn = [...channels.slice(turn), ...channels.slice(0, turn)];
      // Asking for the state also connects: an address that was away is tried again in time.
      const ready = inTurn.filter(
        (channel) => channel.getChannel().getConnectivityState(true) === connectivityState.READY,
      );
      return ready[0] ?? next;
    },
    renew(channel) {
      const index = channels.indexOf(channel);
      if (index === -1) return;
      channels[index] = open(targets[index]!);
      channel.close();
    },
    close() {
      for (const channel of channels) channel.close();
    },
  };
}

function credentialsFor({ local }: Target, tls: boolean | TlsOptions = !local): ChannelCredentials {
  if (tls === false) return credentials.createInsecure();
  const { rootCertificates = null, privateKey = null, certificateChain = null } = tls === true ? {} : tls;
  return credentials.createSsl(rootCertificates, privateKey, certificateChain);
}
