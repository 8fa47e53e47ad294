using System.Diagnostics;
using System.Text;
using Emulator.Core.Cpu;
using Emulator.Devices;
using Emulator.Devices.Loaders;
using Emulator.Frontend.Running;
using Emulator.Jit;
using TestRoms;

namespace Emulator.Frontend.Roms;

/// <summary>Runs the test ROMs of the catalog in this process and compares what they do with what the catalog says.</summary>
public static class RomRunner
{
    /// <summary>Port of the exit device that every test ROM uses.</summary>
    public const ushort ExitPort = 0xF4;

    private const int ExitSize = 4;

    /// <summary>Runs one ROM.</summary>
    /// <param name="rom">The ROM.</param>
    /// <param name="engine">How the CPU executes it. The result, the number of instructions included, is the same for all.</param>
    public static RomResult Run(Rom rom, RomEngine engine = RomEngine.Interpreter)
    {
        ArgumentNullException.ThrowIfNull(rom);
        StringBuilder output = new();
        PcMachine machine = CreateMachine(rom);

        // The ROMs are short, and must run in regions all the same.
        using JitTranslator? translator = engine is RomEngine.Translator or RomEngine.Verify
            ? new JitTranslator(machine.Cpu, JitOptions.AtFirstSight with { Verify = engine == RomEngine.Verify })
            : null;
        translator?.Attach();

        HeadlessOptions options = new()
        {
            MaxInstructions = rom.MaxInstructions,
            StopOnHalt = true,
            SingleStep = engine == RomEngine.SingleStep,
            EngineFailure = () => translator?.Divergence?.Summary,
            DebugOutput = value => output.Append((char)value),
        };
        using HeadlessRunner runner = new(machine, options);
        Stopwatch watch = Stopwatch.StartNew();
        HeadlessResult result = runner.Run();
        string text = output.ToString();
        return new RomResult(rom.Name, FindFailure(rom, result, text), result.ExitStatus, machine.Cpu.Retired, watch.Elapsed, text);
    }

    /// <summary>Builds the machine that the catalog names for a ROM, with the ROM in it.</summary>
    /// <param name="rom">The ROM.</param>
    public static PcMachine CreateMachine(Rom rom)
    {
        ArgumentNullException.ThrowIfNull(rom);
        PcMachine machine = new(new PcMachineConfig
        {
            RamSize = (uint)rom.MemoryMiB << 20,
            Cpu = CpuModel.Find(rom.Cpu) ?? throw new UsageException($"{rom.Name}: unknown CPU model '{rom.Cpu}'"),
            NoReboot = !rom.Resets,
            DebugExitPort = ExitPort,
            DebugExitSize = ExitSize,
        });
        machine.Attach(BootFilesOf(rom));
        return machine;
    }

    /// <summary>The image of a ROM as boot files.</summary>
    /// <param name="rom">The ROM.</param>
    public static BootFiles BootFilesOf(Rom rom)
    {
        ArgumentNullException.ThrowIfNull(rom);
        GuestFile file = new(rom.Name + ".bin", RomCatalog.Open(rom.Name));
        return rom.Load == RomLoad.Kernel ? new BootFiles { Kernel = file } : new BootFiles { Roms = [new RomImage(file, rom.Address)] };
    }

    private static string? FindFailure(Rom rom, HeadlessResult result, string output)
    {
        string[] lines = output.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
        string? different = null;
        for (int i = 0; i < Math.Max(lines.Length, rom.ExpectOutput.Count) && different is null; i++)
        {
            string expected = i < rom.ExpectOutput.Count ? rom.ExpectOutput[i] : "nothing more";
            string actual = i < lines.Length ? lines[i] : "nothing more";
            if (expected != actual)
            {
                different = $"line {i + 1}: '{actual}', expected '{expected}'";
            }
        }

        if (result.ExitStatus != rom.ExpectExit)
        {
            return $"exit status {result.ExitStatus} ({result.Message}), expected {rom.ExpectExit}{(different is null ? "" : "; " + different)}";
        }

        return different;
    }
}
