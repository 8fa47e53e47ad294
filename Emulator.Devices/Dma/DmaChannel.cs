namespace Emulator.Devices.Dma;

/// <summary>
/// A DMA channel as its device sees it: a request line, and transfers that the device starts when it has data or room. A device sets
/// <see cref="Request"/>, moves bytes with <see cref="Transfer"/> while <see cref="IsReady"/>, and clears the request when it is done or got
/// its terminal count. While the guest keeps the channel masked the device waits; <see cref="Granted"/> tells it when that ends.
/// </summary>
public sealed class DmaChannel
{
    private readonly IsaDma _owner;

    internal DmaChannel(IsaDma owner, int number)
    {
        _owner = owner;
        Number = number;
    }

    /// <summary>Number, 0 to 7 without 4.</summary>
    public int Number { get; }

    /// <summary>Bytes that move at once: 1 for channels 0 to 3, 2 for 5 to 7.</summary>
    public int Unit => _owner.Unit(Number);

    /// <summary>DREQ. It is saved by the controllers; setting it has no effect by itself.</summary>
    public bool Request
    {
        get => _owner.Line(Number);
        set => _owner.SetLine(Number, value);
    }

    /// <summary>Whether the controllers let the device transfer now: unmasked, enabled, and the cascade open.</summary>
    public bool IsReady => _owner.IsReady(Number);

    /// <summary>Called on the machine's thread when the guest makes the channel ready while <see cref="Request"/> is set.</summary>
    public Action? Granted { get; set; }

    /// <summary>Moves bytes. Nothing moves while the channel is not ready; a channel programmed for another direction or for verifying counts
    /// without data (the device then gets FFh).</summary>
    /// <param name="buffer">The device's bytes.</param>
    /// <param name="direction">Which way.</param>
    /// <param name="terminalCount">Whether the channel reached the end of its count with the last of these bytes; unless it initializes itself
    /// again it is masked then.</param>
    /// <returns>Bytes moved, at most up to the terminal count.</returns>
    public int Transfer(Span<byte> buffer, DmaDirection direction, out bool terminalCount) =>
        _owner.Transfer(Number, buffer, direction == DmaDirection.ToMemory, out terminalCount);
}
