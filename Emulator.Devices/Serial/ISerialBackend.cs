namespace Emulator.Devices.Serial;

/// <summary>What is connected to a serial port. Input goes the other way, through <see cref="Uart16550A.EnqueueInput"/>.</summary>
public interface ISerialBackend
{
    /// <summary>Takes a character that the guest sends; called on the thread that runs the machine.</summary>
    /// <param name="value">The character, masked to the word length that the guest has set.</param>
    void Write(byte value);
}
