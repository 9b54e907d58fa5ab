#!/bin/sh
# Builds the freezer for x86-64 into the file that is named: sh native/build.sh OUTPUT. The same compiler makes the
# same bytes: nothing of the folder, the time or the machine gets in.
set -eu
output=$(realpath "$1")
cd "$(dirname "$0")/freezer"
LC_ALL=C exec "${CC:-cc}" -std=gnu17 -Os -Wall -Wextra -Wno-unused-parameter -Werror \
  -shared -fPIC -ffreestanding -nostdlib -fno-builtin -fno-stack-protector -fno-asynchronous-unwind-tables \
  -fcf-protection=none -fvisibility=hidden -fno-ident -mno-red-zone -mgeneral-regs-only \
  -Wl,--build-id=none,-z,noseparate-code,-z,nodelete,-z,defs,-z,noexecstack,-z,relro,-z,now,--hash-style=gnu,-s \
  -o "$output" registers.c text.c threads.c descriptors.c memory.c child.c server.c
