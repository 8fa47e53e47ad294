using System.CommandLine;
using Emulator.Core.Cpu;
using Emulator.Frontend.CommandLine;
using Emulator.Frontend.Running;
using TestRoms;

namespace Emulator.Frontend.Roms;

/// <summary><c>emu rom</c>: lists, runs and extracts the test ROMs.</summary>
internal static class RomCommand
{
    /// <summary>Builds the command.</summary>
    /// <param name="runOptions">Options of <c>emu rom run</c>.</param>
    public static Command Build(RunCommandOptions runOptions)
    {
        Command command = new("rom", "Look at the test ROMs.");
        command.SetAction(_ =>
        {
            Console.Out.Write(HelpText.Rom);
            return ExitStatus.Success;
        });

        Command list = new("list", "List the test ROMs.");
        list.SetAction(_ => List());
        command.Subcommands.Add(list);

        Argument<string> runName = new("NAME");
        Command run = new("run", "Run a test ROM.");
        run.Arguments.Add(runName);
        runOptions.AddTo(run);
        run.SetAction(result => Run(result.GetValue(runName)!, runOptions.Read(result)));
        command.Subcommands.Add(run);

        Argument<string> extractName = new("NAME");
        Argument<string?> file = new("FILE") { Arity = ArgumentArity.ZeroOrOne };
        Command extract = new("extract", "Write the image of a test ROM to a file.");
        extract.Arguments.Add(extractName);
        extract.Arguments.Add(file);
        extract.SetAction(result => Extract(result.GetValue(extractName)!, result.GetValue(file)));
        command.Subcommands.Add(extract);
        return command;
    }

    private static int List()
    {
        foreach (Rom rom in RomCatalog.All)
        {
            Console.Out.WriteLine($"{rom.Name,-20} {rom.Description}");
        }

        return ExitStatus.Success;
    }

    private static int Run(string name, RunOptions options)
    {
        Rom rom = Find(name);
        if (options.Kernel is not null || options.Roms.Count != 0 || options.LoadState is not null)
        {
            throw new UsageException("emu rom run: -kernel, --rom and --load-state cannot be given, the ROM is what runs");
        }

        return RunSession.Run(options with
        {
            BootFiles = RomRunner.BootFilesOf(rom),
            RamSize = options.RamSize ?? (uint)rom.MemoryMiB << 20,
            Cpu = options.Cpu ?? CpuModel.Find(rom.Cpu),
            DebugExitPort = options.DebugExitPort ?? RomRunner.ExitPort,
            NoReboot = options.NoReboot || !rom.Resets,
            Serial = options.Serial ?? [new StreamTarget(StreamKind.None)],
            DebugConsole = options.DebugConsole ?? new StreamTarget(StreamKind.Stdio),
        });
    }

    private static int Extract(string name, string? path)
    {
        Rom rom = Find(name);
        string target = path ?? rom.Name + ".bin";
        OutputFile.Write(target, stream => stream.Write(RomCatalog.Open(rom.Name)));
        return ExitStatus.Success;
    }

    private static Rom Find(string name) => RomCatalog.Find(name) ?? throw new UsageException($"{name}: no such test ROM; emu rom list shows all");
}
