using Emulator.Core.Cpu;
using Emulator.Devices;
using Emulator.Devices.Loaders;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using NUnit.Framework;

namespace Emulator.Tests.Firmware;

internal sealed unsafe class SystemBiosTests
{
    private const uint BootSector = 0x7C00;
    private static readonly byte[] Service11 = [.. CpuCore.ServiceOpcode, 0x11];

    /// <summary>A machine that boots a floppy disk with a program; what lies behind the program is its data.</summary>
    internal static PcMachine Boot(ReadOnlySpan<byte> program, PcMachineConfig? config = null)
    {
        byte[] disk = new byte[1440 << 10];
        program.CopyTo(disk);
        PcMachineConfig basis = config ?? new PcMachineConfig { RamSize = 16 << 20 };
        PcMachine machine = new(basis with
        {
            BootOrder = "a",
            Drives = [.. basis.Drives, new Drive(new DriveOptions { Interface = DriveInterface.Floppy, File = "test" }, new MemoryImage(disk))],
        });
        machine.Attach(new BootFiles());
        return machine;
    }

    [Test]
    public void Boot_sector_runs_with_its_drive_in_dl()
    {
        PcMachine machine = Boot([0xFA, 0xF4]);
        Assert.That(machine.Run(100_000).Reason, Is.EqualTo(RunReason.Halted));
        Assert.Multiple(() =>
        {
            Assert.That(machine.Cpu.State->Eip, Is.EqualTo(BootSector + 2));
            Assert.That((byte)CpuState.R32(machine.Cpu.State, 2), Is.Zero);
            Assert.That(machine.Memory.Read<ushort>(0x413), Is.EqualTo(639));
            Assert.That(machine.Memory.Read<uint>(4 * 0x13), Is.EqualTo(0xF000E3FE));
        });
    }

    [Test]
    public void Service_opcode_in_ram_is_undefined()
    {
        // The handler of #UD halts; the opcode stands in the boot sector itself.
        PcMachine machine = Boot([0x31, 0xC0, 0x8E, 0xD8, 0xC7, 0x06, 0x18, 0x00, 0x20, 0x7C, 0xA3, 0x1A, 0x00, .. Service11, .. new byte[16], 0xFA, 0xF4]);
        machine.Run(100_000);
        Assert.That(machine.Cpu.State->Eip, Is.EqualTo(0x7C22));
    }

    [Test]
    public void Key_read_waits_for_a_key_while_time_goes_on()
    {
        // XOR AX,AX; INT 16h; CLI; HLT
        PcMachine machine = Boot([0x31, 0xC0, 0xCD, 0x16, 0xFA, 0xF4]);
        Assert.That(machine.Run(10_000).Reason, Is.EqualTo(RunReason.Limit));
        uint ticks = machine.Memory.Read<uint>(0x46C);
        Assert.That(ticks, Is.GreaterThan(100));
        Assert.That(machine.Clock.Now / 54_925_401, Is.InRange(ticks - 1, ticks));
        machine.Keyboard.TypeText("a");
        Assert.That(machine.Run(100_000).Reason, Is.EqualTo(RunReason.Halted));
        Assert.That((ushort)CpuState.R32(machine.Cpu.State, 0), Is.EqualTo(0x1E61));
    }
}
