using System.Text;

namespace Emulator.Frontend.CommandLine;

/// <summary>What <c>--help</c> prints.</summary>
internal static class HelpText
{
    /// <summary>What <c>emu test --help</c> prints.</summary>
    public const string Test = """
        emu test [--filter TEXT] [--engine interpreter|jit|verify] [--single-step]

        Runs every test ROM of the catalog and prints a summary. Exit status 0 when all pass, 8 when one fails.

          --filter TEXT    Only ROMs whose name contains TEXT
          --engine NAME    interpreter; jit: everything is translated before it runs; verify: and compared. Default: interpreter
          --single-step    Run every instruction in a call of its own, through the library's API

        """;

    /// <summary>What <c>emu rom --help</c> prints.</summary>
    public const string Rom = """
        emu rom list                       List the test ROMs
        emu rom run NAME [OPTION...]       Run one as emu run would: its debug console on standard output; options of emu run can be added
        emu rom extract NAME [FILE]        Write its image to a file (default: NAME.bin)

        """;

    /// <summary>What <c>emu disk --help</c> prints.</summary>
    public const string Disk = """
        emu disk create [-f FORMAT] [--flat] FILE SIZE     Create an empty image; SIZE in MiB, or with suffix K, M, G
        emu disk info [-f FORMAT] [--json] FILE            What an image is
        emu disk convert [-f FORMAT] [-O FORMAT] [--flat] FILE NEW
                                                           Copy an image into another format
        emu disk check [-f FORMAT] FILE                    Check the tables of an image; status 8 when it is damaged
        emu disk clone [-f FORMAT] FILE NEW                Create a qcow2 image that holds only what differs from FILE, which must stay as it is

        FORMAT is raw, qcow2, vmdk or vpc (VHD). Images are recognized by their contents; new ones are raw by create, qcow2 by convert.
          --flat     Take all room at once: a monolithicFlat VMDK, a fixed VHD
          --force    Replace a file that exists

        """;

    private const int Column = 34;
    private const int Width = 120;

    /// <summary>What <c>emu --help</c> prints: all commands and options by group.</summary>
    public static string Full(RunCommandOptions options)
    {
        StringBuilder text = new();
        text.Append("""
            emu                        Start the demo disk: a small system of ours, which shows what the machine can do
            emu [run] [OPTION...]      Run a machine
            emu test [OPTION...]       Run the test ROMs; see emu test --help
            emu rom list|run|extract   Look at the test ROMs; see emu rom --help
            emu disk COMMAND           Create, convert and check disk images; see emu disk --help
            emu --version              Version

            """);
        string group = "";
        foreach (OptionEntry entry in options.Entries)
        {
            if (entry.Group != group)
            {
                group = entry.Group;
                text.Append('\n').Append(group).Append(":\n");
            }

            AppendEntry(text, entry.Syntax, entry.Help);
        }

        text.Append('\n');
        Wrap(text, "Not supported yet: " + string.Join(' ', RunCommandOptions.NotSupportedYet), 0);
        text.Append("""

            What a script sends enters at the same instruction in every run. Standard input (a pipe only without a script) enters when it comes,
            and is not repeatable.

            Exit status: (v << 1) | 1 when the guest wrote v to isa-debug-exit. Otherwise: 0 powered off, halted with --stop-on-halt, reset with
            -no-reboot, all expectations met, or left by Ctrl-A x; 2 bad command line, file or configuration; 4 triple fault where a reset is not
            allowed; 6 time or instruction limit reached; 8 an expectation can no longer be met; 10 internal error; 130 ended by Ctrl-C or a signal.

            """);
        return text.ToString();
    }

    private static void AppendEntry(StringBuilder text, string syntax, string help)
    {
        text.Append("  ").Append(syntax);
        int used = 2 + syntax.Length;
        if (used >= Column)
        {
            text.Append('\n');
            used = 0;
        }

        text.Append(' ', Column - used);
        Wrap(text, help, Column);
    }

    private static void Wrap(StringBuilder text, string words, int indent)
    {
        int at = indent;
        foreach (string word in words.Split(' '))
        {
            if (at > indent && at + 1 + word.Length > Width)
            {
                text.Append('\n').Append(' ', indent);
                at = indent;
            }
            else if (at > indent)
            {
                text.Append(' ');
                at++;
            }

            text.Append(word);
            at += word.Length;
        }

        text.Append('\n');
    }
}
