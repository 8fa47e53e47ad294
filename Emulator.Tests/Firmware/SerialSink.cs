using Emulator.Devices.Serial;

namespace Emulator.Tests.Firmware;

/// <summary>Keeps what a serial port sends.</summary>
internal sealed class SerialSink(List<byte> sent) : ISerialBackend
{
    public void Write(byte value) => sent.Add(value);
}
