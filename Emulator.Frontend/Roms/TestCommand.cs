using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using TestRoms;

namespace Emulator.Frontend.Roms;

/// <summary><c>emu test</c>: runs every test ROM and prints a summary.</summary>
internal static class TestCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Build()
    {
        Option<string?> filter = new("--filter") { Arity = ArgumentArity.ExactlyOne };
        Option<bool> singleStep = new("--single-step") { Arity = ArgumentArity.Zero };
        Option<string?> engine = new("--engine") { Arity = ArgumentArity.ExactlyOne };
        Command command = new("test", "Run the test ROMs.");
        command.Options.Add(filter);
        command.Options.Add(engine);
        command.Options.Add(singleStep);
        command.SetAction(result => Run(result.GetValue(filter), EngineOf(result.GetValue(engine), result.GetValue(singleStep))));
        return command;
    }

    private static RomEngine EngineOf(string? engine, bool singleStep) => engine switch
    {
        null or "interpreter" => singleStep ? RomEngine.SingleStep : RomEngine.Interpreter,
        "jit" when singleStep => throw new UsageException("--engine jit and --single-step exclude each other"),
        "jit" => RomEngine.Translator,
        "verify" when singleStep => throw new UsageException("--engine verify and --single-step exclude each other"),
        "verify" => RomEngine.Verify,
        _ => throw new UsageException($"--engine {engine}: unknown; interpreter, jit and verify are known"),
    };

    private static int Run(string? filter, RomEngine engine)
    {
        List<Rom> roms = [.. RomCatalog.All.Where(r => filter is null || r.Name.Contains(filter, StringComparison.OrdinalIgnoreCase))];
        if (roms.Count == 0)
        {
            throw new UsageException(filter is null ? "the catalog holds no test ROM" : $"--filter {filter}: no test ROM has that in its name");
        }

        List<RomResult> results = [];
        foreach (Rom rom in roms)
        {
            results.Add(RomRunner.Run(rom, engine));
        }

        Print(results);
        return results.TrueForAll(r => r.Passed) ? ExitStatus.Success : ExitStatus.Expectation;
    }

    private static void Print(List<RomResult> results)
    {
        Table table = new Table().Border(TableBorder.Simple);
        table.AddColumn("ROM");
        table.AddColumn("Result");
        table.AddColumn(new TableColumn("Instructions").RightAligned());
        table.AddColumn(new TableColumn("ms").RightAligned());
        foreach (RomResult result in results)
        {
            table.AddRow(
                new Text(result.Name),
                new Text(result.Passed ? "pass" : "FAIL", new Style(result.Passed ? Color.Green : Color.Red)),
                new Text(result.Instructions.ToString("N0", CultureInfo.InvariantCulture)),
                new Text(result.Elapsed.TotalMilliseconds.ToString("F0", CultureInfo.InvariantCulture)));
        }

        AnsiConsole.Write(table);
        foreach (RomResult result in results.Where(r => !r.Passed))
        {
            Console.Out.WriteLine($"{result.Name}: {result.Failure}");
        }

        Console.Out.WriteLine($"{results.Count(r => r.Passed)} passed, {results.Count(r => !r.Passed)} failed");
    }
}
