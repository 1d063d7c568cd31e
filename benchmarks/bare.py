"""
The floor for the webhook: aiohttp on uvloop over TLS that answers a constant.

Run as `python -m benchmarks.bare CERT KEY`; prints its port.
"""

from __future__ import annotations

import asyncio
import ssl
import sys

import uvloop
from aiohttp import web

ANSWER = (
    b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"allowed":true}}'
)


async def answer(request: web.Request) -> web.Response:
    """Read the body and answer a constant."""
    await request.read()
    return web.Response(body=ANSWER, content_type="application/json")


async def serve(certificate: str, key: str) -> None:
    """Serve until killed."""
    application = web.Application(client_max_size=3 << 20)
    application.router.add_post("/mutate", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], sys.argv[2]))
