using System.Runtime.InteropServices;

namespace Emulator.Frontend.Terminal;

/// <summary>Raw mode of a Windows console: no echo, no line editing, Ctrl-C as a character, escape sequences in both directions.</summary>
internal sealed partial class WindowsTerminal : ITerminalMode
{
    private const int InputHandle = -10;
    private const int OutputHandle = -11;
    private const uint ProcessedInput = 0x1;
    private const uint LineInput = 0x2;
    private const uint EchoInput = 0x4;
    private const uint VirtualTerminalInput = 0x200;
    private const uint VirtualTerminalOutput = 0x4;

    private readonly uint _savedInput;
    private readonly uint _savedOutput;
    private readonly bool _hasOutput;

    private WindowsTerminal(uint input)
    {
        _savedInput = input;
        _hasOutput = GetConsoleMode(GetStdHandle(OutputHandle), out _savedOutput);
    }

    /// <summary>Switches standard input to raw mode; null when it is no console.</summary>
    public static WindowsTerminal? Open()
    {
        if (!GetConsoleMode(GetStdHandle(InputHandle), out uint mode))
        {
            return null;
        }

        WindowsTerminal terminal = new(mode);
        terminal.Reapply();
        return terminal;
    }

    public void Reapply()
    {
        SetConsoleMode(GetStdHandle(InputHandle), (_savedInput & ~(ProcessedInput | LineInput | EchoInput)) | VirtualTerminalInput);
        if (_hasOutput)
        {
            SetConsoleMode(GetStdHandle(OutputHandle), _savedOutput | VirtualTerminalOutput);
        }
    }

    public void Dispose()
    {
        SetConsoleMode(GetStdHandle(InputHandle), _savedInput);
        if (_hasOutput)
        {
            SetConsoleMode(GetStdHandle(OutputHandle), _savedOutput);
        }
    }

    [LibraryImport("kernel32")]
    private static partial nint GetStdHandle(int number);

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetConsoleMode(nint handle, out uint mode);

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool SetConsoleMode(nint handle, uint mode);
}
