#!/usr/bin/env python3
"""Sequential IDE DMA read by dd in a Linux guest, this emulator beside QEMU's TCG: disk-speed.py EMU GUEST [PAIRS [PASSES]]

EMU is the program, GUEST the directory that disk-linux.sh has filled; a disk of 256 MB of random bytes is made there, once. Both emulators run in turn, PAIRS times (2), under the host
clock. Measured is the host's time between two marks on the serial port, the guest's caches dropped before each of PASSES (3) passes. Status 1 when the median is less than half of TCG's throughput,
or when the guest does not show the transfers' interrupts. Both run with a high priority where that is allowed (root): other work on the host disturbs a machine of several threads more than TCG.
EMU_OPTIONS holds options for emu; LIMIT the most seconds of a run (120).
"""
import base64, os, re, shlex, statistics, subprocess, sys, threading, time

SIZE = 256 << 20


def read_disk(command, limit, passes):
    """Starts the guest; host seconds of each pass, CPU seconds of the process in it, and what the guest printed."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    guard = threading.Timer(limit, process.kill)
    guard.start()

    def cpu():
        with open(f"/proc/{process.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    log, seen, spans, used, start = b"", 0, [], [], None
    while data := os.read(process.stdout.fileno(), 65536):
        now = time.monotonic()
        log += data
        while mark := re.compile(rb"MARK=([SE])").search(log, seen):
            seen = mark.end()
            if mark[1] == b"S":
                start = now, cpu()
            else:
                spans.append(now - start[0])
                used.append(cpu() - start[1])
    guard.cancel()
    process.wait()
    text = log.decode("latin-1")
    if len(spans) != passes or "GUEST DONE" not in text:
        sys.exit(f"{command[0]} did not come to its end:\n{text[-2000:]}")
    return spans, used, text


def main():
    emu, guest = sys.argv[1:3]
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    except PermissionError:
        print("at the priority of other work: not root")
    pairs, passes = (int(v) for v in (sys.argv[3:] + ["2", "3"][len(sys.argv) - 3:]))
    disk = os.path.join(guest, "disk256.img")
    if not os.path.exists(disk):
        with open(disk + ".new", "wb") as file:
            for _ in range(SIZE >> 20):
                file.write(os.urandom(1 << 20))
        os.rename(disk + ".new", disk)
    script = ("for i in " + " ".join(map(str, range(passes))) + "; do echo 3 > /proc/sys/vm/drop_caches; sleep 1; echo MARK=S; dd if=/dev/sda of=/dev/null bs=1M; echo MARK=E; done; "
              "cat /sys/class/ata_device/dev1.0/xfer_mode; grep ata_piix /proc/interrupts")
    append = "console=ttyS0 cryptomgr.notests initcall_blacklist=load_system_certificate_list cmd=" + base64.b64encode(script.encode()).decode()
    machine = ["-kernel", os.path.join(guest, "vmlinuz"), "-initrd", os.path.join(guest, "initrd.gz"), "-m", "256M", "-append", append,
               "-drive", f"file={disk},format=raw,index=0,snapshot=on"]
    commands = {
        "TCG": ["qemu-system-i386", "-accel", "tcg", "-cpu", "max", "-nographic", "-nodefaults", "-serial", "stdio", "-no-reboot", "-net", "none"] + machine,
        "emu": [emu, "run", "--engine", "jit", "--clock", "host", "-nographic"] + shlex.split(os.environ.get("EMU_OPTIONS", "")) + machine,
    }
    spans, used = {e: [] for e in commands}, {e: [] for e in commands}
    for _ in range(pairs):
        for engine, command in commands.items():
            s, u, text = read_disk(command, float(os.environ.get("LIMIT", "120")), passes)
            spans[engine] += s
            used[engine] += u
            print(f"{engine}: " + ", ".join(f"{a:.2f} s ({b:.2f} of CPU)" for a, b in zip(s, u)), flush=True)
    interrupts = sum(int(n) for n in re.search(r"^\s*14:((?:\s+\d+)+).*ata_piix", text, re.M)[1].split())
    print(f"emu's guest: {re.findall(r'^XFER_[A-Z]+_DMA_[0-9]', text, re.M)[0]}, {interrupts} interrupts of ata_piix")
    wall, cpu = ({e: statistics.median(v[e]) for e in v} for v in (spans, used))
    ratio = wall["TCG"] / wall["emu"]
    print(" ".join(f"{e} {wall[e]:.2f} s = {SIZE / wall[e] / 1e6:.0f} MB/s," for e in commands) + f" {ratio:.2f} times TCG's throughput, {cpu['TCG'] / cpu['emu']:.2f} by CPU seconds, load {os.getloadavg()[0]:.0f}")
    sys.exit(ratio < 0.5)


main()
