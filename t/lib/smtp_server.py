#!/usr/bin/python3
"""A mail server for tests: aiosmtpd, and the ways in which a real one fails.

smtp_server.py DIRECTORY

Listens on free ports of 127.0.0.1 and writes DIRECTORY/ports: "plain N",
"starttls N" (a certificate in DIRECTORY/cert.pem), "smtps N", "auth N" (STARTTLS,
then the user "kedge" with the password "secret").  Each message that it takes over
is a file DIRECTORY/NUMBER.json.  DIRECTORY/mode says how it behaves; it is read at
each step, so a test can change it:

  accept            takes everything over
  stall-greeting    accepts a connection and says nothing
  stall-mail        does not answer MAIL
  stall-data        does not answer the end of DATA
  defer-rcpt        450 to RCPT          reject-rcpt  550 to RCPT
  defer-data        451 to the end       reject-data  554 to the end
  reject-mail       550 to MAIL          busy         421 to MAIL, and closes
  drop-data         closes the connection within DATA
  drop-end          takes the message over and closes without an answer
"""
import asyncio
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

directory = sys.argv[1]
count = 0


def mode():
    try:
        with open(os.path.join(directory, "mode")) as f:
            return f.read().strip() or "accept"
    except FileNotFoundError:
        return "accept"


def note(text):
    with open(os.path.join(directory, "log"), "a") as f:
        f.write(text + "\n")


async def stall():
    await asyncio.sleep(3600)


class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        note("MAIL " + mode())
        if mode() == "stall-mail":
            await stall()
        if mode() == "reject-mail":
            return "550 5.7.1 this sender is not welcome"
        if mode() == "busy":
            server.transport.write(b"421 4.3.2 come back later\r\n")
            server.transport.close()
            return "421 4.3.2 come back later"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if mode() == "defer-rcpt":
            return "450 4.2.1 the mailbox is busy"
        if mode() == "reject-rcpt":
            return "550 5.1.1 there is no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    def keep(self, session, envelope):
        global count
        count += 1
        path = os.path.join(directory, "%d.json" % count)
        with open(path + ".part", "w") as f:
            json.dump({
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "data": envelope.content.decode("utf-8", "surrogateescape"),
                "tls": session.ssl is not None,
                "auth": bool(session.authenticated),
                "ehlo": session.host_name,
            }, f)
        os.rename(path + ".part", path)

    async def handle_DATA(self, server, session, envelope):
        now = mode()
        note("DATA " + now)
        if now == "stall-data":
            await stall()
        if now == "defer-data":
            return "451 4.3.0 try again"
        if now == "reject-data":
            return "554 5.6.0 this looks like spam"
        self.keep(session, envelope)
        if now == "drop-end":
            server.transport.close()
        return "250 2.0.0 taken over"


class Server(SMTP):
    def connection_made(self, transport):
        note("connected")
        if mode() == "stall-greeting":
            return
        super().connection_made(transport)

    async def smtp_DATA(self, arg):
        if mode() == "drop-data":
            await self.push("354 go on")
            await asyncio.sleep(0)
            self.transport.close()
            return
        await super().smtp_DATA(arg)


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == b"kedge" and data.password == b"secret"
    return AuthResult(success=good, handled=False)


async def main():
    loop = asyncio.get_running_loop()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(directory, "cert.pem"))
    kinds = {
        "plain": (dict(), None),
        "starttls": (dict(tls_context=context), None),
        "smtps": (dict(), context),
        "auth": (dict(tls_context=context, authenticator=authenticate,
                      auth_required=True), None),
    }
    lines = []
    servers = []
    for name, (options, tls) in kinds.items():
        server = await loop.create_server(
            lambda options=options: Server(Handler(), hostname="mx.test", **options),
            "127.0.0.1", 0, ssl=tls)
        servers.append(server)
        lines.append("%s %d\n" % (name, server.sockets[0].getsockname()[1]))
    path = os.path.join(directory, "ports")
    with open(path + ".part", "w") as f:
        f.writelines(lines)
    os.rename(path + ".part", path)
    await asyncio.gather(*(s.serve_forever() for s in servers))


asyncio.run(main())
