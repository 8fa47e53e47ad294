using Emulator.Core.Cpu;
using Emulator.Core.Memory;
using Emulator.Devices;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using NUnit.Framework;

namespace Emulator.Tests.Firmware;

/// <summary>Services as a V86 monitor's guest meets them: behind paging, at CPL 3, entered by a far call with a frame like INT's.</summary>
internal sealed unsafe class VirtualModeTests
{
    private const uint Directory = 0x200000;
    private const uint Table = 0x201000;
    private const uint Moved = 0x300000;
    private const uint Buffer = 0x20000;
    private const uint UserPage = 7;
    private const ushort Int13 = 0xE3FE;
    private const uint ReturnAddress = 0x7E00;

    [Test]
    public void Disk_read_faults_in_front_of_side_effects_and_goes_where_paging_says()
    {
        byte[] disk = new byte[1008 * 512];
        disk[512] = 0x5A;
        PcMachine machine = SystemBiosTests.Boot([0xFA, 0xF4], new PcMachineConfig
        {
            RamSize = 16 << 20,
            Drives = [new Drive(new DriveOptions { Index = 0, File = "disk" }, new MemoryImage(disk))],
        });
        machine.Run(100_000);
        (InterruptSource Source, byte Vector)? seen = null;
        machine.Cpu.DeliveryObserver = (source, vector) => seen = (source, vector);
        Enter(machine);
        machine.Memory.Write(Table + (Buffer >> 10), 0u);
        machine.Cpu.ExecuteRaw(10);
        CpuState* s = machine.Cpu.State;
        Assert.Multiple(() =>
        {
            Assert.That(seen, Is.EqualTo((InterruptSource.Exception, ExceptionVector.PageFault)));
            Assert.That(s->Cr2, Is.EqualTo(Buffer));
            Assert.That(s->FaultError & 7, Is.EqualTo(6), "a write with user privilege, page not present");
            Assert.That((ushort)CpuState.R32(s, 0), Is.EqualTo(0x0201));
            Assert.That(machine.Memory.Read<byte>(s->Eip + 0xF0000), Is.EqualTo(0x0F), "EIP is the service instruction");
        });

        seen = null;
        machine.Memory.Write(Table + (Buffer >> 10), Moved | UserPage);
        PageWalk.FlushAll(s);
        machine.Cpu.ExecuteRaw(3);
        Assert.Multiple(() =>
        {
            Assert.That(seen, Is.Null);
            Assert.That(s->Eip, Is.EqualTo(ReturnAddress));
            Assert.That(machine.Memory.Read<byte>(Moved), Is.EqualTo(0x5A));
            Assert.That(machine.Memory.Read<byte>(Buffer), Is.Zero);
            Assert.That((ushort)CpuState.R32(s, 0), Is.EqualTo(0x0001));
            Assert.That(LazyFlags.CF(s), Is.False);
        });
    }

    /// <summary>Virtual-8086 mode with IOPL 3, the first 4 MiB mapped where they are, at the entry of INT 13h with a frame on the stack.</summary>
    private static void Enter(PcMachine machine)
    {
        CpuState* s = machine.Cpu.State;
        machine.Memory.Write(Directory, Table | UserPage);
        for (uint i = 0; i < 1024; i++)
        {
            machine.Memory.Write(Table + (4 * i), (i << 12) | UserPage);
        }

        s->Cr3 = Directory;
        s->Cr0 |= Cr0.PE | Cr0.PG;
        s->EflagsRest = (s->EflagsRest | Eflags.VM | Eflags.IoplMask) & ~Eflags.IF;
        s->Cpl = 3;
        Segmentation.SetV86(s, SegmentIndex.Cs, 0xF000);
        Segmentation.SetV86(s, SegmentIndex.Ss, 0);
        Segmentation.SetV86(s, SegmentIndex.Ds, 0);
        Segmentation.SetV86(s, SegmentIndex.Es, (ushort)(Buffer >> 4));
        machine.Memory.Write(0x7000, ReturnAddress);
        machine.Memory.Write<ushort>(0x7004, 0x0003);
        CpuState.R32(s, 4) = 0x7000;
        CpuState.R32(s, 0) = 0x0201;
        CpuState.R32(s, 1) = 0x0002;
        CpuState.R32(s, 2) = 0x0080;
        CpuState.R32(s, 3) = 0;
        s->Eip = Int13;
        s->IsHalted = 0;
        PageWalk.FlushAll(s);
        CpuMode.Update(s);
        CpuCore.UpdatePending(s);
    }
}
