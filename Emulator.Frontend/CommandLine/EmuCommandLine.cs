using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Text;
using Emulator.Frontend.Disks;
using Emulator.Frontend.Roms;
using Emulator.Frontend.Running;

namespace Emulator.Frontend.CommandLine;

/// <summary>The command line of <c>emu</c>. Every failure is one line on standard error and an even exit status.</summary>
internal static class EmuCommandLine
{
    private static readonly string[] Commands = ["run", "test", "rom", "disk"];
    private static readonly string[] LaterCommands = ["debug"];

    /// <summary>Runs a command line.</summary>
    /// <param name="args">The arguments.</param>
    /// <returns>The exit status.</returns>
    public static int Invoke(string[] args)
    {
        try
        {
            return Dispatch(args);
        }
        catch (UsageException e)
        {
            Console.Error.WriteLine($"emu: {e.Message}");
            return ExitStatus.Usage;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine($"emu: internal error: {e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")}{Place(e)}");
            return ExitStatus.Internal;
        }
    }

    private static int Dispatch(string[] args)
    {
        args = args.Length == 0 ? ["run"] : args;

        if (LaterCommands.Contains(args[0], StringComparer.Ordinal))
        {
            throw new UsageException($"emu {args[0]}: not supported yet");
        }

        // "run" may be left out.
        bool named = Commands.Contains(args[0], StringComparer.Ordinal) || args[0] is "--help" or "-h" or "-?" or "/?" or "/h" or "--version";
        RunCommandOptions runOptions = new();
        RootCommand root = Build(args[0], runOptions);
        ParseResult result = root.Parse(named ? args : ["run", .. args], new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        if (runOptions.FindLater(result) is { } later)
        {
            throw new UsageException($"{later}: not supported yet");
        }

        if (result.Action is not HelpAction && result.Errors.Count != 0)
        {
            throw new UsageException(Describe(result));
        }

        return result.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }

    private static string Describe(ParseResult result)
    {
        string? unknown = result.UnmatchedTokens.Count != 0 ? result.UnmatchedTokens[0] : null;
        if (unknown is null)
        {
            return result.Errors[0].Message.ReplaceLineEndings(" ");
        }

        return unknown.StartsWith('-') ? $"{unknown}: unknown option; emu --help lists all" : $"'{unknown}' is neither an option nor a command; emu --help lists all";
    }

    /// <summary>Builds the tree with the one command that is used; the others would only cost time at the start.</summary>
    private static RootCommand Build(string command, RunCommandOptions runOptions)
    {
        RootCommand root = new("A 32-bit PC.");
        root.Directives.Clear();
        switch (command)
        {
            case "test":
                root.Subcommands.Add(TestCommand.Build());
                break;
            case "disk":
                root.Subcommands.Add(DiskCommand.Build());
                break;
            case "rom":
                root.Subcommands.Add(RomCommand.Build(runOptions));
                break;
            default:
                Command run = new("run", "Run a machine.");
                runOptions.AddTo(run);
                run.SetAction(result => RunSession.Run(runOptions.Read(result)));
                root.Subcommands.Add(run);
                break;
        }

        foreach (Option option in root.Options)
        {
            if (option is HelpOption help)
            {
                help.Action = new HelpAction(() => HelpText.Full(runOptions));
            }
        }

        return root;
    }

    /// <summary>Where an internal error came from, on the same line.</summary>
    private static string Place(Exception e)
    {
        string? frame = e.StackTrace?.Split('\n').FirstOrDefault(l => l.Contains("Emulator.", StringComparison.Ordinal));
        return frame is null ? "" : $" ({frame.Trim()})";
    }

    /// <summary>Prints a help text of ours.</summary>
    private sealed class HelpAction : SynchronousCommandLineAction
    {
        private readonly Func<string> _text;

        public HelpAction(Func<string> text) => _text = text;

        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            string name = parseResult.CommandResult.Command.Name;
            Console.Out.Write(name switch
            {
                "test" => HelpText.Test,
                "disk" or "create" or "info" or "convert" or "check" or "clone" => HelpText.Disk,
                "rom" or "list" or "extract" => HelpText.Rom,
                _ => _text(),
            });
            return ExitStatus.Success;
        }
    }
}
