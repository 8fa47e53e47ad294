using Spectre.Console;

namespace Emulator.Frontend.Disks;

/// <summary>Shows how far a long command is, on a terminal.</summary>
internal static class DiskProgress
{
    /// <summary>Runs work that reports how much of it is done, from 0 to 1.</summary>
    public static void Run(string title, Action<Action<double>> work)
    {
        if (Console.IsErrorRedirected)
        {
            work(_ => { });
            return;
        }

        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        console.Progress().AutoClear(true).Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn()).Start(context =>
        {
            ProgressTask task = context.AddTask(Markup.Escape(title), maxValue: 1);
            work(done => task.Value = done);
            task.Value = 1;
        });
    }
}
