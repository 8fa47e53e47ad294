using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Emulator.Frontend.Terminal;

/// <summary>
/// Reads standard input on a thread of its own until it ends. A terminal is in raw mode meanwhile, and sequences with Ctrl-A are taken out.
/// </summary>
internal sealed class StandardInput : IDisposable
{
    private readonly ITerminalMode? _terminal;
    private readonly EscapeKeys _escapes = new();
    private readonly PosixSignalRegistration? _continued;

    public StandardInput()
    {
        _terminal = OperatingSystem.IsWindows() ? WindowsTerminal.Open() : UnixTerminal.Open();
        if (_terminal is not null && !OperatingSystem.IsWindows())
        {
            _continued = PosixSignalRegistration.Create(PosixSignal.SIGCONT, _ => _terminal.Reapply());
        }
    }

    /// <summary>Whether a person sits there.</summary>
    public bool IsTerminal => _terminal is not null;

    /// <summary>Starts reading.</summary>
    /// <param name="data">Receives what is for the guest; called on the reading thread.</param>
    /// <param name="command">Receives commands; called on the reading thread.</param>
    public void Start(Action<byte[]> data, Action<EscapeCommand> command)
    {
        Thread thread = new(() => Read(data, command)) { IsBackground = true, Name = "standard input" };
        thread.Start();
    }

    public void Dispose()
    {
        _continued?.Dispose();
        _terminal?.Dispose();
    }

    /// <summary>The descriptor itself: .NET's console stream would edit lines on a Unix terminal.</summary>
    private static Stream Open() => OperatingSystem.IsWindows()
        ? Console.OpenStandardInput()
        : new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, 0);

    private void Read(Action<byte[]> data, Action<EscapeCommand> command)
    {
        byte[] buffer = new byte[4096];
        try
        {
            using Stream stream = Open();
            while (true)
            {
                int count = stream.Read(buffer, 0, buffer.Length);
                if (count == 0)
                {
                    return;
                }

                if (!IsTerminal)
                {
                    data(buffer[..count]);
                    continue;
                }

                List<byte> typed = [];
                EscapeCommand found = _escapes.Filter(buffer.AsSpan(0, count), typed);
                if (typed.Count != 0)
                {
                    data([.. typed]);
                }

                if (found != EscapeCommand.None)
                {
                    command(found);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Standard input is closed or cannot be read: there is no input.
        }
    }
}
