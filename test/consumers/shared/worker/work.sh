#!/bin/sh
# One message: the body comes on standard input, the exit code is the outcome (0 deletes it).
exec cat >/dev/null
