using Emulator.Core.Machine;
using Emulator.Core.Snapshot;
using Emulator.Devices;

namespace Emulator.Tests.Devices;

/// <summary>A machine whose ports and time a test drives by hand; no instruction runs.</summary>
internal sealed class Board
{
    public Board(PcMachineConfig? config = null) => Machine = new PcMachine(config ?? DefaultConfig);

    public static PcMachineConfig DefaultConfig { get; } = new()
    {
        RamSize = 2 << 20,
        SerialPorts = 2,
        SerialTransmitLimit = long.MaxValue,
        RtcBase = new DateTime(1999, 12, 31, 23, 59, 50, DateTimeKind.Utc),
    };

    public PcMachine Machine { get; }

    public long Now => Machine.Clock.Now;

    public byte In(ushort port) => (byte)Machine.Ports.Read(port, 1);

    public uint In(ushort port, int size) => Machine.Ports.Read(port, size);

    public void Out(ushort port, int value) => Machine.Ports.Write(port, 1, (uint)value);

    public void Out(ushort port, int size, uint value) => Machine.Ports.Write(port, size, value);

    /// <summary>Advances virtual time, running each event at its own time.</summary>
    public void AdvanceTo(long time)
    {
        while (Machine.Events.NextDue <= time)
        {
            Machine.Clock.SkipTo(Machine.Events.NextDue);
            Machine.Events.RunDue();
        }

        Machine.Clock.SkipTo(time);
    }

    public void Advance(long nanoseconds) => AdvanceTo(Now + nanoseconds);

    /// <summary>Initializes both interrupt controllers as PC firmware does: vectors 08h and 70h, all unmasked.</summary>
    public void InitializePics(int masterIcw4 = 1, int slaveIcw4 = 1, int mask = 0)
    {
        int[] master = [0x11, 0x08, 0x04, masterIcw4];
        int[] slave = [0x11, 0x70, 0x02, slaveIcw4];
        for (int i = 0; i < 4; i++)
        {
            Out((ushort)(i == 0 ? 0x20 : 0x21), master[i]);
            Out((ushort)(i == 0 ? 0xA0 : 0xA1), slave[i]);
        }

        Out(0x21, mask & 0xFF);
        Out(0xA1, mask >> 8);
    }

    public unsafe bool Interrupting => Machine.Cpu.State->IntrLine != 0;

    public byte Acknowledge() => Machine.MasterPic.Acknowledge();

    public byte Cmos(int index)
    {
        Out(0x70, index);
        return In(0x71);
    }

    public void Cmos(int index, int value)
    {
        Out(0x70, index);
        Out(0x71, value);
    }

    /// <summary>A second board with the state of this one, through the archives of a snapshot.</summary>
    public Board Clone()
    {
        Board copy = new(Machine.Config);
        foreach ((Part from, Part to) in Parts(Machine).Zip(Parts(copy.Machine)))
        {
            StateArchive saved = new(from.Name, from.Version);
            from.Serialize(saved);
            to.Serialize(new StateArchive(from.Name, from.Version, saved.ToArray()));
        }

        return copy;
    }

    public byte[] State()
    {
        List<byte> all = [];
        foreach (Part part in Parts(Machine))
        {
            StateArchive saved = new(part.Name, part.Version);
            part.Serialize(saved);
            all.AddRange(saved.ToArray());
        }

        return [.. all];
    }

    private static IEnumerable<Part> Parts(PcMachine machine)
    {
        yield return new Part("cpu", machine.Cpu.StateVersion, machine.Cpu.Serialize);
        yield return new Part("clock", 1, machine.Clock.Serialize);
        foreach (IMachineComponent c in machine.Components)
        {
            yield return new Part(c.StateId, c.StateVersion, c.Serialize);
        }

        yield return new Part("timers", 1, machine.Events.Serialize);
    }

    private sealed record Part(string Name, int Version, Action<StateArchive> Serialize);
}
