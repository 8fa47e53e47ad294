#!/bin/bash
# Accepts the board, its disks and its firmware by one command: accept-issue4.sh DIST DIRECTORY [PART...]
#   DIST        folder of the published program (DIST/emu)
#   DIRECTORY   where ladder.sh and disk-linux.sh keep their guests; logs go to DIRECTORY/accept
#   PART        dd ladder debian cd-installer memtest installer memtest-cd headers chips images-icount images-host kill read (the default: all of these, in two lanes),
#               memtest-isolinux invaders-end by name only
# Prints a line as each part ends and a table at the end; status 1 when a part failed or was not run.
# MINUTES (25): no part starts later, and what still runs 10 minutes after that is ended; "not run" is the result then. LANES=1: one part at a time.
# EMULATOR_FUZZ_SEED is the seed of chips and headers (default: another one each time, shown), EMULATOR_FUZZ_ROUNDS the images of each format (10,000).
# LINUX_GUEST and EMULATOR_SHARED as in ladder.sh. A part is skipped, with the reason, when a program that it needs is not there.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd); top=$(cd "$here/../.." && pwd)
[ $# -ge 2 ] || { sed -n '2,10s/^# \?//p' "$0" >&2; exit 2; }
export EMU; EMU=$(cd "$1" && pwd)/emu; mkdir -p "$2"; dir=$(cd "$2" && pwd); shift 2
[ -x "$EMU" ] || { echo "accept-issue4.sh: there is no $EMU; publish it first" >&2; exit 2; }
logs=$dir/accept; rm -rf "$logs"; mkdir -p "$logs/tmp"
export TMPDIR=$logs/tmp EMULATOR_FUZZ_ROUNDS=${EMULATOR_FUZZ_ROUNDS:-10000} EMULATOR_FUZZ_SEED=${EMULATOR_FUZZ_SEED:-$RANDOM} LIMIT=${LIMIT:-900}
start=$SECONDS; last=$((${MINUTES:-25} * 60))
# A run that is ended ends what it has started.
stop() { trap '' INT TERM; [ ! -e "$logs/groups" ] || while read -r group; do kill -- -"$group"; done < "$logs/groups"; kill $(jobs -p); rm -rf "$logs/tmp"; exit 130; } 2> /dev/null
trap stop INT TERM
benchmarks=$top/Emulator.Benchmarks/bin/Release/net10.0/Emulator.Benchmarks

# --- the parts: what each is in the issue, what it needs, what it runs

lines() {
  case $1 in
    dd) echo 5 ;; debian | cd-installer) echo 2,3 ;; headers | chips) echo 6 ;; images-* | kill | read) echo 4 ;; *) echo 2 ;;
  esac
}
needs() {
  case $1 in
    dd) echo qemu-system-i386 python3 ;;
    images-* | kill | read) echo qemu-img dotnet ;;
    headers | chips) echo dotnet ;;
    *) echo apt-get dpkg-deb xorriso mformat syslinux grub-mkrescue; [ "$1" != debian ] || [ -e "$dir/debian.img" ] || echo debootstrap ;;
  esac
}
work() {
  local disks=("$benchmarks" disks --emu "$EMU")
  case $1 in
    dd) "$here/disk-linux.sh" "$dir/disk-linux" && "$here/disk-speed.py" "$EMU" "$dir/disk-linux" 2 12 ;;
    ladder) "$here/ladder.sh" "$dir" ;;
    debian) "$here/ladder.sh" "$dir" debian ;;
    cd-installer) "$here/ladder.sh" "$dir" installer-cd ;;
    installer) "$here/ladder.sh" "$dir" installer ;;
    memtest) "$here/ladder.sh" "$dir" memtest ;;
    memtest-cd) "$here/ladder.sh" "$dir" memtest-cd-pass ;;
    memtest-isolinux | invaders-end) "$here/ladder.sh" "$dir" "$1" ;;
    headers) [ ! -w /dev/shm ] || TMPDIR=$(mktemp -d /dev/shm/headers.XXXX); tests FullyQualifiedName~Damaged_images ;;
    chips) tests 'FullyQualifiedName~PortFuzz|FullyQualifiedName~StorageFuzz|FullyQualifiedName~VgaFuzz|FullyQualifiedName~VideoFuzz' ;;
    images-icount) "${disks[@]}" ;;
    images-host) shares '--clock host' ;;
    kill) kills ;;
    read) "$benchmarks" disks read --emu "$EMU" ;;
    *) echo "there is no part $1"; return 2 ;;
  esac
}
tests() {
  dotnet test -c Release --no-build --logger 'console;verbosity=detailed' --filter "$1" "$top/Emulator.Tests/Emulator.Tests.csproj" > "$logs/$part.tests" 2>&1
  local status=$?
  echo "EMULATOR_FUZZ_SEED=$EMULATOR_FUZZ_SEED EMULATOR_FUZZ_ROUNDS=$EMULATOR_FUZZ_ROUNDS"
  sed 's/^ *//' "$logs/$part.tests" | grep -E '^(Passed|Failed|Skipped) [A-Z]|^[0-9]+ of [0-9]+ refused|^(Passed|Failed|Skipped): ' || tail -20 "$logs/$part.tests"
  [ "${TMPDIR#/dev/shm/}" = "$TMPDIR" ] || rm -rf "$TMPDIR"
  [ $status -ne 0 ] || grep -q '^ *Passed [A-Z]' "$logs/$part.tests" || { echo "no test ran"; return 1; }
  return $status
}
# Under the host clock most is waiting, too: for the thread that writes.
shares() {
  local jobs=() kinds i status=0
  for kinds in raw,qcow2,qcow2-v2,qcow2-v3 qcow2-4k,qcow2-overlay,qcow2-clone,vmdk vmdk-sparse,vmdk-flat,vpc,vpc-dynamic,vpc-fixed; do
    "$benchmarks" disks --emu "$EMU" --kinds $kinds --options "$1" & jobs+=($!)
  done
  for i in "${jobs[@]}"; do wait "$i" || status=1; done
  return $status
}
# Most of a kill is waiting: four at a time, half of them under the host clock.
kills() {
  local jobs=() i status=0 clocks=(icount icount host host)
  for i in 0 1 2 3; do
    "$benchmarks" disks kill --emu "$EMU" --kills 50 --seed $((EMULATOR_FUZZ_SEED + 1000 * i)) --options "--clock ${clocks[i]}" & jobs+=($!)
  done
  for i in "${jobs[@]}"; do wait "$i" || status=1; done
  return $status
}

# --- running them

# report PART RESULT SECONDS TEXT
report() { printf '| %-16s | %-4s | %-7s | %5s | %s\n' "$1" "$(lines "$1")" "$2" "$3" "$4" | tee -a "$logs/summary"; }

run_part() {
  local part=$1 program missing='' began=$SECONDS status=0
  for program in $(needs "$part"); do command -v "$program" > /dev/null || missing+=" $program"; done
  if [ -n "$missing" ]; then report "$part" skipped 0 "this host has no$missing"; return; fi
  if [ $((SECONDS - start)) -gt $last ]; then report "$part" 'not run' 0 "MINUTES=${MINUTES:-25} were over"; return; fi
  # In a process group of its own, which ends with it.
  set -m
  work "$part" > "$logs/$part.log" 2>&1 < /dev/null & local job=$!
  set +m
  echo $job >> "$logs/groups"
  ( while sleep 5 && kill -0 $job; do [ $((SECONDS - start)) -lt $((last + 600)) ] || { echo "ended by accept-issue4.sh" >> "$logs/$part.log"; kill -- -$job; }; done ) > /dev/null 2>&1 & local guard=$!
  wait $job 2> /dev/null || status=$?
  kill $guard 2> /dev/null; wait $guard 2> /dev/null
  report "$part" "$([ $status -eq 0 ] && echo pass || echo FAILED)" $((SECONDS - began)) "$(grep -v '^ *$' "$logs/$part.log" | tail -1 | cut -c 1-150)"
}
lane() { local part; for part in "$@"; do run_part "$part"; done; }

guests=() others=() first=()
[ $# -gt 0 ] || set -- dd ladder debian cd-installer memtest installer memtest-cd headers images-icount kill chips read images-host
for part in "$@"; do
  case $part in
    dd) first+=(dd) ;;
    debian | ladder | cd-installer | installer | memtest | memtest-cd | memtest-isolinux | invaders-end) guests+=("$part") ;;
    headers | chips | images-icount | images-host | kill | read) others+=("$part") ;;
    *) echo "accept-issue4.sh: there is no part $part" >&2; exit 2 ;;
  esac
done
echo "commit $(git -C "$top" rev-parse --short HEAD), $("$EMU" --version 2>&1 | head -1), load $(cut -d ' ' -f 1-3 /proc/loadavg), seed $EMULATOR_FUZZ_SEED, logs in $logs"
if [ ${#others[@]} -gt 0 ] && command -v dotnet > /dev/null; then
  for project in Emulator.Benchmarks Emulator.Tests; do
    dotnet build -c Release -v q -nologo "$top/$project/$project.csproj" > "$logs/build.log" 2>&1 || { cat "$logs/build.log"; exit 2; }
  done
fi
if [ ${#guests[@]} -gt 0 ]; then "$here/ladder.sh" "$dir" prepare > "$logs/prepare.log" 2>&1 || { tail "$logs/prepare.log"; echo "the guests could not be made" >&2; }; fi
printf '| %-16s | %-4s | %-7s | %5s | %s\n' part line result s 'last line of its log'
lane ${first[@]+"${first[@]}"} # alone: it measures
if [ "${LANES:-2}" = 1 ]; then lane "${guests[@]}" "${others[@]}"; else (trap - INT TERM; lane "${guests[@]}") & (trap - INT TERM; lane "${others[@]}") & wait; fi

rm -rf "$logs/tmp" "$logs/groups"
echo; echo "=== every guest"
grep -hE '^\| [a-z-]+ +\| (builtin|seabios|none)' "$logs"/*.log 2> /dev/null | { printf '| rung            | firmware |      | status |    instructions | seconds |\n'; cat; }
echo "=== summary, $(((SECONDS - start + 59) / 60)) minutes"
cat "$logs/summary"
! grep -qE '^\| [a-z-]+ +\| [0-9,]+ +\| (FAILED|not run|skipped)' "$logs/summary"
