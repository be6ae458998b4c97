"""Schemathesis against a running server: whatever it makes of the schema gets a coded answer.

    run.py URL EXAMPLES SECONDS
"""

import json
import sys
import time
import urllib.request

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes

URL, EXAMPLES, SECONDS = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
SIGN_IN = 'mutation { signIn(input: { email: "owner@acme.test", password: "kontor-demo" }) { accessToken } }'
CODES = {
    "BAD_REQUEST",
    "BAD_USER_INPUT",
    "COST_LIMIT_EXCEEDED",
    "DOCUMENT_TOO_COMPLEX",
    "FORBIDDEN",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "INVALID_CURSOR",
    "NOT_FOUND",
    "THROTTLED",
    "UNAUTHENTICATED",
}


# What our own scalars look like, and what they do not.
strange = st.text(max_size=10)
for scalar, plain in {
    "DateTime": ["2026-01-31T12:00:00Z", "2026-02-30T00:00:00Z", "1970-01-01T00:00:00+14:00"],
    "Decimal": ["0", "-1.5", "99999999999999999999.99", "1e400"],
    "JSON": ["", "a"],
}.items():
    schemathesis.graphql.scalar(scalar, (st.sampled_from(plain) | strange).map(nodes.String))


def sign_in():
    body = json.dumps({"query": SIGN_IN}).encode()
    request = urllib.request.Request(URL, body, {"content-type": "application/json"})
    answer = json.load(urllib.request.urlopen(request, timeout=20))
    return {"authorization": "Bearer " + answer["data"]["signIn"]["accessToken"]}


def fault(response):
    """What is wrong with an answer; None: it is a good one, or a coded refusal."""
    if response.status_code >= 500:
        return f"status {response.status_code}"
    body = response.json()
    for error in body.get("errors", []):
        code = error["extensions"]["code"]
        if code not in CODES or not error["extensions"]["requestId"]:
            return f"the error {error}"
    return None if "errors" in body or "data" in body else f"neither data nor errors: {body}"


def main():
    began, asked, codes = time.monotonic(), 0, {}
    schema = schemathesis.graphql.from_url(URL, headers=sign_in())
    operations = [result.ok() for result in schema.get_all_operations()]
    # Each in a session of its own, which it may end; before wrong passwords have made a pause.
    sessions = [sign_in() for _ in operations]
    skipped = []
    for operation, headers in zip(operations, sessions):
        if time.monotonic() - began > SECONDS:
            skipped.append(operation.label)
            continue

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def check(case):
            nonlocal asked
            response = case.call(headers=headers, timeout=20)
            wrong = fault(response)
            assert wrong is None, f"{operation.label}: {wrong}\n{case.body}"
            asked += 1
            for error in response.json().get("errors", [{"extensions": {"code": "fine"}}]):
                code = error["extensions"]["code"]
                codes[code] = codes.get(code, 0) + 1

        check()
    told = ", ".join(f"{code} {count}" for code, count in sorted(codes.items()))
    print(f"{asked} requests to {len(operations) - len(skipped)} of {len(operations)} fields: {told}")
    if skipped:
        print(f"no time for {', '.join(skipped)}")


main()
