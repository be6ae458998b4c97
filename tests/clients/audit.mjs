// The audits of GraphQL over HTTP that npm's graphql-http carries, against a running server.
// node audit.mjs URL: one line for each that is not fine, then how many there were.
import { serverAudits } from 'graphql-http';

const url = process.argv[2];
const audits = serverAudits({ url, fetchFn: fetch });
let fine = 0;
for (const audit of audits) {
  const result = await audit.fn();
  if (result.status === 'ok') fine += 1;
  else console.log(`${result.status} ${audit.id} ${audit.name}: ${result.reason}`);
}
console.log(`${fine} of ${audits.length} audits`);
