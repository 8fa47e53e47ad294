using System.Runtime.InteropServices;

namespace Emulator.Frontend.Terminal;

/// <summary>Raw mode of a Unix terminal by termios(3): no echo, no line editing, no signals from keys; output processing stays on.</summary>
internal sealed unsafe partial class UnixTerminal : ITerminalMode
{
    private const int StandardInput = 0;
    private const int ApplyAfterOutput = 1;
    private const uint PostProcess = 1;

    // struct termios is 60 bytes on Linux and 72 on macOS; only the place of its second member, c_oflag, is needed.
    private const int TermiosRoom = 256;

    private readonly byte[] _saved = new byte[TermiosRoom];
    private readonly byte[] _raw = new byte[TermiosRoom];

    private UnixTerminal()
    {
    }

    /// <summary>Switches standard input to raw mode; null when it is no terminal.</summary>
    public static UnixTerminal? Open()
    {
        UnixTerminal terminal = new();
        fixed (byte* saved = terminal._saved, raw = terminal._raw)
        {
            if (GetAttributes(StandardInput, saved) != 0)
            {
                return null;
            }

            terminal._saved.CopyTo(terminal._raw, 0);
            MakeRaw(raw);
            if (OperatingSystem.IsMacOS())
            {
                *(ulong*)(raw + sizeof(ulong)) |= PostProcess;
            }
            else
            {
                *(uint*)(raw + sizeof(uint)) |= PostProcess;
            }
        }

        terminal.Reapply();
        return terminal;
    }

    public void Reapply() => Set(_raw);

    public void Dispose() => Set(_saved);

    private static void Set(byte[] attributes)
    {
        fixed (byte* p = attributes)
        {
            // A terminal that went away cannot be set, and nobody looks at it.
            _ = SetAttributes(StandardInput, ApplyAfterOutput, p);
        }
    }

    [LibraryImport("libc", EntryPoint = "tcgetattr")]
    private static partial int GetAttributes(int descriptor, byte* attributes);

    [LibraryImport("libc", EntryPoint = "tcsetattr")]
    private static partial int SetAttributes(int descriptor, int actions, byte* attributes);

    [LibraryImport("libc", EntryPoint = "cfmakeraw")]
    private static partial void MakeRaw(byte* attributes);
}
