import http2 from 'node:http2';

/** The HTTP/2 sessions that this process opens as a client, and those that it loses. */
export const watchClientSessions = () => {
  const counts = { opened: 0, lost: 0 };
  let watching = true;
  const { connect } = http2;
  const counted = (...args: Parameters<typeof connect>) => {
    const session = connect(...args);
    counts.opened += 1;
    let lost = false;
    const lose = () => {
      if (watching && !lost) counts.lost += 1;
      lost = true;
    };
    session.once('goaway', lose).once('error', lose).once('close', lose);
    return session;
  };
  // gRPC looks it up at each connection.
  Object.assign(http2, { connect: counted });
  return {
    counts,
    /** What closes from now on was closed on purpose. */
    stop: () => {
      watching = false;
      Object.assign(http2, { connect });
    },
  };
};
