using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Emulator.Benchmarks.Kernels;

/// <summary>Runs a kernel in another program and times the span between the bytes S and E on its standard output.</summary>
internal static class KernelProcess
{
    /// <summary>Runs a kernel with an engine.</summary>
    /// <param name="engine">bochs or tcg, or the command line of emu (with its own options).</param>
    /// <param name="elf">A patched kernel.</param>
    /// <param name="repetitions">Measurements in it.</param>
    /// <param name="limitSeconds">Longest run.</param>
    public static IReadOnlyList<KernelResult> Run(string engine, byte[] elf, int repetitions, double limitSeconds)
    {
        string directory = Directory.CreateTempSubdirectory("kernel-").FullName;
        try
        {
            return engine == "bochs" ? RunBochs(directory, elf, repetitions, limitSeconds) : RunKernelOption(engine, directory, elf, repetitions, limitSeconds);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static List<KernelResult> RunKernelOption(string engine, string directory, byte[] elf, int repetitions, double limitSeconds)
    {
        string kernel = Path.Combine(directory, "kernel.elf");
        File.WriteAllBytes(kernel, elf);
        string[] command = engine == "tcg"
            ? ["qemu-system-i386", "-accel", "tcg", "-cpu", "max", "-display", "none", "-nodefaults", "-no-reboot"]
            : engine.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return Time([.. command, "-kernel", kernel, "-m", "128", "-debugcon", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"], repetitions, limitSeconds);
    }

    private static List<KernelResult> RunBochs(string directory, byte[] elf, int repetitions, double limitSeconds)
    {
        string rom = Path.Combine(directory, "rom.bin");
        File.WriteAllBytes(rom, BochsRom.Build(elf));

        // Bochs insists on a video ROM; nothing calls this one. Its bytes add up to zero.
        string videoRom = Path.Combine(directory, "vgarom.bin");
        File.WriteAllBytes(videoRom, [0x55, 0xAA, 1, 0xCB, 0x35, .. new byte[507]]);
        string configuration = Path.Combine(directory, "bochsrc");
        File.WriteAllText(configuration, string.Create(CultureInfo.InvariantCulture, $"""
            megs: 128
            cpu: model=p4_willamette, ips=100000000
            romimage: file={rom}, address=0x{BochsRom.Address:x}
            vgaromimage: file={videoRom}
            display_library: rfb, options="timeout=0"
            port_e9_hack: enabled=1
            log: {Path.Combine(directory, "log.txt")}
            debugger_log: -
            panic: action=fatal
            error: action=ignore
            info: action=ignore
            clock: sync=none
            sound: driver=dummy

            """));
        string commands = Path.Combine(directory, "commands");
        File.WriteAllText(commands, "continue\n");
        return Time(["bochs", "-q", "-f", configuration, "-rc", commands], repetitions, limitSeconds);
    }

    /// <summary>Runs a command to its last measurement. Letters before the first S, such as a banner, are not part of the guest's output.</summary>
    private static List<KernelResult> Time(string[] command, int repetitions, double limitSeconds)
    {
        ProcessStartInfo start = new(command[0]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (string argument in command.AsSpan(1))
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{command[0]} does not start");
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        using Timer limit = new(_ => process.Kill(entireProcessTree: true), null, TimeSpan.FromSeconds(limitSeconds), Timeout.InfiniteTimeSpan);
        List<KernelResult> results = [];
        StringBuilder line = new();
        Stream output = process.StandardOutput.BaseStream;
        byte[] buffer = new byte[65536];
        long began = 0;
        double seconds = -1;
        while (results.Count < repetitions)
        {
            int count = output.Read(buffer);
            long now = Stopwatch.GetTimestamp();
            if (count == 0)
            {
                break;
            }

            foreach (byte b in buffer.AsSpan(0, count))
            {
                char c = (char)b;
                if (c == 'S')
                {
                    began = now;
                    line.Clear();
                }
                else if (c == 'E' && began != 0)
                {
                    seconds = Stopwatch.GetElapsedTime(began, now).TotalSeconds;
                    line.Clear();
                }
                else if (c == '\n' && seconds >= 0)
                {
                    string[] words = line.ToString().Split(' ');
                    if (words.Length == 2 && words[0].Length == 8)
                    {
                        results.Add(new KernelResult(words[0], seconds, 0));
                    }

                    (began, seconds) = (0, -1);
                }
                else
                {
                    line.Append(c);
                }
            }
        }

        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
        }

        process.WaitForExit();
        return results.Count == repetitions
            ? results
            : throw new InvalidOperationException($"{command[0]}: {results.Count} of {repetitions} results, status {process.ExitCode} {errors.Result.Trim()}");
    }
}
