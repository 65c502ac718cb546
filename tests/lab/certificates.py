"""Certificates for servers of the lab: one of an authority `ca.pem`, and one of an
authority that nobody trusts, `other.pem`. Needs openssl.
"""

import subprocess


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def make(folder, *names):
    """Writes `cert.pem` and `key.pem` for these names (`DNS:...`, `URI:...`, `IP:...`)."""
    for own in ("ca", "other"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={own}", "-keyout",
                f"{folder}/{own}-key.pem", "-out", f"{folder}/{own}.pem")
    with open(f"{folder}/names", "w") as write:
        write.write(f"subjectAltName={','.join(names)}\n")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=server", "-keyout", f"{folder}/key.pem", "-out",
            f"{folder}/request.pem")
    openssl("x509", "-req", "-days", "30", "-in", f"{folder}/request.pem", "-CA", f"{folder}/ca.pem", "-CAkey",
            f"{folder}/ca-key.pem", "-CAcreateserial", "-extfile", f"{folder}/names", "-out", f"{folder}/cert.pem")
