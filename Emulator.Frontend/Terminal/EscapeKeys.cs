namespace Emulator.Frontend.Terminal;

/// <summary>What a key sequence of the user asks for.</summary>
internal enum EscapeCommand
{
    /// <summary>Nothing; the bytes go to the guest.</summary>
    None,

    /// <summary>End the emulator: Ctrl-A x.</summary>
    Quit,

    /// <summary>Show the sequences: Ctrl-A h.</summary>
    Help,
}

/// <summary>Takes the sequences that begin with Ctrl-A out of what the user types; Ctrl-A Ctrl-A sends one to the guest.</summary>
internal sealed class EscapeKeys
{
    /// <summary>What Ctrl-A h shows.</summary>
    public const string Help = "\r\nCtrl-A x       end the emulator\r\nCtrl-A h       this help\r\nCtrl-A Ctrl-A  send Ctrl-A\r\n";

    private const byte ControlA = 1;
    private bool _escaped;

    /// <summary>Filters what was typed.</summary>
    /// <param name="input">The bytes as they came.</param>
    /// <param name="output">Receives what is for the guest.</param>
    /// <returns>The last command found.</returns>
    public EscapeCommand Filter(ReadOnlySpan<byte> input, List<byte> output)
    {
        EscapeCommand command = EscapeCommand.None;
        foreach (byte b in input)
        {
            if (!_escaped)
            {
                _escaped = b == ControlA;
                if (!_escaped)
                {
                    output.Add(b);
                }

                continue;
            }

            _escaped = false;
            switch (b)
            {
                case (byte)'x' or (byte)'X':
                    return EscapeCommand.Quit;
                case (byte)'h' or (byte)'H' or (byte)'?':
                    command = EscapeCommand.Help;
                    break;
                case ControlA:
                    output.Add(b);
                    break;
                default:
                    break;
            }
        }

        return command;
    }
}
