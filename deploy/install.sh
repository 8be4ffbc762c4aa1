#!/bin/sh
# Installs, upgrades or removes Sluice on Debian, Raspberry Pi OS and their relatives.
#
#   sudo ./install.sh              install, or upgrade what is installed; again and again
#   sudo ./install.sh uninstall    remove the program; configuration and data stay
#        ./install.sh check        only look whether it would run here
#
# It says what it will do and asks; --yes does not ask. It changes nothing but:
#
#   /usr/local/bin/sluice                   the program (and sluice.previous, the one before)
#   /etc/systemd/system/sluice*.service     the service
#   /usr/local/share/doc/sluice/            documentation and licences
#   /etc/sluice/                            configuration: made once, never overwritten
#   /var/lib/sluice/                        data: made once, never touched again
#   the user and group "sluice"
set -eu

PROGRAM=/usr/local/bin/sluice
UNITS=/etc/systemd/system
DOCS=/usr/local/share/doc/sluice
CONFIG=/etc/sluice
DATA=/var/lib/sluice
# The oldest C library that the program runs with.
GLIBC_MIN=2.27

from=$(cd "$(dirname "$0")" && pwd)
action=install
ask=yes

say() { printf '%s\n' "$*"; }

fail() {
  printf 'sluice: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '        %s\n' "$2" >&2
  exit 1
}

usage() {
  sed -n '2,/^set -eu/{/^#/s/^# \{0,1\}//p}' "$0"
}

# --- is this a machine for it? ---------------------------------------------------------------

target() {
  machine=$(uname -m)
  case "$machine" in
    x86_64) echo linux-x64 ;;
    aarch64 | arm64) echo linux-arm64 ;;
    *) echo "$machine" ;;
  esac
}

check_machine() {
  [ "$(uname -s)" = Linux ] || fail "Cannot install on $(uname -s): Linux is needed"
  case "$(target)" in
    linux-*) ;;
    arm*) fail "Cannot install on $(target): a 32-bit system (armhf)" \
      "use the 64-bit Raspberry Pi OS; every Pi from the 3 on and the Zero 2 W runs it" ;;
    *) fail "Cannot install on $(target): only x86_64 and aarch64 are supported" ;;
  esac
  # A 64-bit kernel under 32-bit programs, as Raspberry Pi OS (32-bit) has it on newer boards.
  [ "$(getconf LONG_BIT)" = 64 ] ||
    fail "Cannot install on a 32-bit system (armhf), although its kernel has 64 bits" \
      "use the 64-bit Raspberry Pi OS"
}

check_glibc() {
  version=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/^glibc //')
  [ -n "$version" ] ||
    fail "Cannot install: the C library is not glibc (Alpine, OpenWrt?)" \
      "use Debian, Ubuntu, Raspberry Pi OS or Fedora, or the container image"
  oldest=$(printf '%s\n%s\n' "$GLIBC_MIN" "$version" | sort -V | head -n 1)
  [ "$oldest" = "$GLIBC_MIN" ] ||
    fail "Cannot install: glibc is $version, $GLIBC_MIN or later is needed" \
      "upgrade the system, or use the container image"
}

check_package() {
  [ -f "$from/sluice" ] || fail "Cannot install: \"$from/sluice\" is missing" \
    "unpack the whole archive and start install.sh inside it"
  (cd "$from" && sha256sum --check --quiet SHA256SUMS) ||
    fail "Cannot install: files of the archive are damaged" "download it again"
  [ "$(cat "$from/TARGET")" = "$(target)" ] ||
    fail "Cannot install: this archive is for $(cat "$from/TARGET"), the machine is $(target)" \
      "download sluice-VERSION-$(target).tar.xz"
  "$from/sluice" version >/dev/null || fail "Cannot install: the program does not start here"
}

# Is a port (decimal) listened on? From the kernel's tables: 0A is the state LISTEN.
is_taken() {
  hex=$(printf '%04X' "$1")
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q "^ *[0-9]*: [0-9A-F]*:$hex [0-9A-F:]* 0A "
}

check_ports() {
  # Ours hold them when it is installed already.
  [ ! -e "$PROGRAM" ] || return 0
  if is_taken 1883; then
    say "note: port 1883 is taken, probably by another MQTT broker. Set mqtt.listen in"
    say "      $CONFIG/sluice.toml to another port, or let Sluice subscribe to that broker"
    say "      ([[source]] type = \"mqtt\"). Everything else works meanwhile."
  fi
  if is_taken 8000; then
    say "note: port 8000 is taken. Set http.listen in $CONFIG/sluice.toml to another port."
    say "      Everything else works meanwhile."
  fi
}

check_config() {
  [ -e "$CONFIG/sluice.toml" ] || return 0
  "$from/sluice" config check --config "$CONFIG/sluice.toml" >/dev/null ||
    fail "Cannot upgrade: the new version does not accept $CONFIG/sluice.toml" \
      "mend what is named above and start again; the installed version goes on as it is"
}

check_all() {
  check_machine
  check_glibc
  check_package
}

# --- doing ------------------------------------------------------------------------------------

need_root() {
  [ "$(id -u)" = 0 ] || fail "Cannot $action: root is needed" "sudo $0 $action"
}

confirm() {
  [ "$ask" = yes ] || return 0
  [ -t 0 ] || fail "Cannot ask for consent: no terminal" "start it with --yes"
  printf 'Go on? [y/N] '
  read -r answer
  case "$answer" in y | Y | yes) ;; *) fail "Nothing was changed" ;; esac
}

has_systemd() { [ -d /run/systemd/system ] && command -v systemctl >/dev/null; }

# Copies a file by replacing: a program that runs keeps its old file. MODE SOURCE DESTINATION
put() {
  if cmp -s "$2" "$3"; then
    say "same       $3"
    return 0
  fi
  install -m "$1" "$2" "$3.new"
  mv "$3.new" "$3"
  say "wrote      $3"
}

# Only where nothing is yet. MODE SOURCE DESTINATION
put_once() {
  if [ -e "$3" ]; then
    say "kept       $3"
    return 0
  fi
  install -m "$1" -g sluice "$2" "$3"
  say "wrote      $3"
}

make_user() {
  if ! getent group sluice >/dev/null; then groupadd --system sluice; fi
  if getent passwd sluice >/dev/null; then
    say "kept       user sluice"
    return 0
  fi
  useradd --system --gid sluice --home-dir "$DATA" --no-create-home \
    --shell /usr/sbin/nologin sluice
  # Serial ports belong to this group.
  if getent group dialout >/dev/null; then usermod --append --groups dialout sluice; fi
  say "made       user sluice"
}

make_folders() {
  [ -d "$CONFIG" ] || install -d -m 0755 "$CONFIG" "$CONFIG/feed"
  [ -d "$CONFIG/credentials" ] || install -d -m 0700 "$CONFIG/credentials"
  [ -d "$DATA" ] || install -d -m 0700 -o sluice -g sluice "$DATA"
  install -d -m 0755 "$DOCS"
}

put_program() {
  if [ -e "$PROGRAM" ] && ! cmp -s "$from/sluice" "$PROGRAM"; then
    ln -f "$PROGRAM" "$PROGRAM.previous"
  fi
  put 0755 "$from/sluice" "$PROGRAM"
}

put_docs() {
  (cd "$from/doc" && find . -type f | sort) | while read -r name; do
    install -D -m 0644 "$from/doc/$name" "$DOCS/$name"
  done
  say "wrote      $DOCS"
}

start_service() {
  if ! has_systemd; then
    say
    say "systemd does not run here. Start it by:"
    say "  setpriv --reuid=sluice --regid=sluice --init-groups \\"
    say "    $PROGRAM serve --config $CONFIG/sluice.toml --data $DATA"
    return 0
  fi
  systemctl daemon-reload
  systemctl enable sluice.service
  systemctl restart sluice.service
  say
  say "Sluice runs. The link that makes the first user is in its log:"
  say "  journalctl -u sluice | grep claim"
}

do_install() {
  check_all
  check_config
  version=$("$from/sluice" version | head -n 1)
  if [ -e "$PROGRAM" ]; then
    say "Upgrades $("$PROGRAM" version | head -n 1) to $version; configuration and data stay."
  else
    say "Installs $version: $PROGRAM,"
    say "user sluice, $CONFIG, $DATA, the service sluice."
  fi
  check_ports
  need_root
  confirm
  make_user
  make_folders
  put_program
  put_docs
  put_once 0640 "$from/sluice.toml" "$CONFIG/sluice.toml"
  put_once 0640 "$from/sluice.env" "$CONFIG/sluice.env"
  put 0644 "$from/sluice.service" "$UNITS/sluice.service"
  put 0644 "$from/sluice-feed@.service" "$UNITS/sluice-feed@.service"
  start_service
}

do_uninstall() {
  need_root
  say "Removes the program, its service and documentation."
  say "Configuration ($CONFIG), data with all queued messages ($DATA) and the user stay."
  confirm
  if has_systemd; then
    systemctl disable --now sluice.service || say "note: the service was not there"
    for unit in $(systemctl list-units --all --plain --no-legend 'sluice-feed@*' | cut -d' ' -f1); do
      systemctl disable --now "$unit"
    done
  fi
  rm -f "$PROGRAM" "$PROGRAM.previous" "$UNITS/sluice.service" "$UNITS/sluice-feed@.service"
  rm -rf "$DOCS"
  if has_systemd; then systemctl daemon-reload; fi
  say "Removed. To delete the rest as well, and what is still queued with it:"
  say "  rm -r $CONFIG $DATA && userdel sluice"
}

for argument in "$@"; do
  case "$argument" in
    install | uninstall | check) action=$argument ;;
    --yes) ask=no ;;
    -h | --help) usage && exit 0 ;;
    *) fail "Unknown argument \"$argument\"" "$0 --help" ;;
  esac
done

case "$action" in
  install) do_install ;;
  uninstall) do_uninstall ;;
  check) check_all && check_ports && say "Sluice runs on this machine." ;;
esac
