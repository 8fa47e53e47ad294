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

    /// <summary>
    /// Services in random video modes, whose ports are denied at random: what is broken off and gone on with by the access that a monitor does, or never, or by
    /// somebody else, does no harm.
    /// </summary>
    [Test]
    public void Denied_ports_at_any_place_do_no_harm()
    {
        const uint Tss = 0x210000;
        const int Maps = 8193;
        const int Seed = 815;
        TestContext.Out.WriteLine($"seed {Seed}");
        Random random = new(Seed);
        int rounds = int.TryParse(Environment.GetEnvironmentVariable("EMULATOR_FUZZ_ROUNDS"), out int given) ? given : 3000;
        PcMachine machine = null!;
        byte[] map = new byte[Maps];
        int[] vectors = [0x10, 0x10, 0x10, 0x10, 0x14, 0x15, 0x1A, 0x08, 0x09, 0x70, 0x74];
        int[] modes = [0x03, 0x04, 0x06, 0x0D, 0x12, 0x13, 0x100, 0x101, 0x102, 0x109, 0x110, 0x112, 0x141];
        int broken = 0;
        int resumed = 0;
        for (int round = 0; round < rounds; round++)
        {
            if (round % 32 == 0)
            {
                BiosCaller bios = BiosCaller.Create(new PcMachineConfig { RamSize = 4 << 20, NoReboot = true });
                machine = bios.Machine;
                int mode = modes[random.Next(modes.Length)];
                bios.Ebx = (uint)mode;
                Assert.That(bios.Int(0x10, mode < 0x100 ? (ushort)mode : (ushort)0x4F02), $"round {round}, mode {mode:X}");
            }

            CpuState* s = machine.Cpu.State;
            for (int i = 0; i < map.Length; i++)
            {
                map[i] = round % 3 == 0 ? (byte)0xFF : random.Next(4) == 0 ? (byte)random.Next(256) : (byte)0;
            }

            Enter(machine);
            machine.Memory.Write<ushort>(Tss + 0x66, 0x68);
            machine.Memory.WriteBlock(Tss + 0x68, map);
            SegmentRegister* tr = CpuState.Segment(s, SegmentIndex.Tr);
            (tr->Base, tr->Limit, tr->Attributes) = (Tss, 0x68 + Maps - 1, 0x8B);
            for (int i = 0; i < 8; i++)
            {
                CpuState.R32(s, i) = random.Next(4) == 0 ? (uint)random.Next(0x10000) : (uint)((random.Next(0x50) << 8) | random.Next(16));
            }

            CpuState.R32(s, 4) = 0x7000;
            if (random.Next(3) == 0)
            {
                CpuState.R32(s, 0) = 0x4F00u + (uint)random.Next(0x10);
            }

            int vector = vectors[random.Next(vectors.Length)];
            uint entry = machine.Memory.Read<uint>(4 * (uint)vector);
            Segmentation.SetV86(s, SegmentIndex.Cs, (ushort)(entry >> 16));
            s->Eip = (ushort)entry;
            CpuMode.Update(s);
            for (int i = 0; i < 60 && CpuMode.IsV86(s); i++)
            {
                uint at = (CpuState.Segment(s, SegmentIndex.Cs)->Base + s->Eip) & 0xFFFFF;
                byte opcode = machine.Memory.Read<byte>(at);
                int prefix = opcode == 0x66 ? 1 : 0;
                if ((machine.Memory.Read<byte>(at + (uint)prefix) & 0xFC) == 0xEC)
                {
                    // The monitor's part: random answers, now and then another register or no access at all.
                    broken++;
                    CpuState.R32(s, random.Next(20) == 0 ? random.Next(4) : 0) = (uint)random.NextInt64();
                    s->Eip += (uint)prefix + 1;
                    resumed += machine.BiosPorts.WaitingCalls != 0 ? 1 : 0;
                }

                Assert.DoesNotThrow(machine.Cpu.ExecuteOneRaw, $"round {round}, interrupt {vector:X2}h");
            }
        }

        Assert.That(broken, Is.GreaterThan(rounds / 4));
        Assert.That(resumed, Is.GreaterThan(rounds / 8));
    }

    /// <summary>Every service number, with random registers, in real, virtual-8086 and flat protected mode, pages missing here and there.</summary>
    [Test]
    public void Services_of_any_number_in_any_mode_do_no_harm()
    {
        const uint Calls = 0xD0000;
        const int Seed = 4711;
        TestContext.Out.WriteLine($"seed {Seed}");
        Random random = new(Seed);
        int rounds = int.TryParse(Environment.GetEnvironmentVariable("EMULATOR_FUZZ_ROUNDS"), out int given) ? given : 4000;
        PcMachine machine = SystemBiosTests.Boot([0xFA, 0xF4], new PcMachineConfig
        {
            RamSize = 16 << 20,
            NoReboot = true,
            Drives = [new Drive(new DriveOptions { Index = 0, File = "disk" }, new MemoryImage(new byte[1008 * 512]))],
        });
        byte[] calls = new byte[256 * 16];
        for (int i = 0; i < 256; i++)
        {
            CpuCore.ServiceOpcode.CopyTo(calls.AsSpan(i * 16));
            calls[(i * 16) + 2] = (byte)i;
        }

        machine.Memory.MapServiceRom(Calls, calls);
        machine.Run(100_000);
        machine.Cpu.DeliveryObserver = (_, _) => { };
        CpuState* s = machine.Cpu.State;
        for (int round = 0; round < rounds; round++)
        {
            int mode = random.Next(3);
            int service = random.Next(256);
            Enter(machine);
            uint entry = Calls + ((uint)service * 16);
            if (mode != 1)
            {
                s->EflagsRest &= ~Eflags.VM;
                s->Cpl = 0;
                s->Cr0 = mode == 0 ? s->Cr0 & ~(Cr0.PE | Cr0.PG) : s->Cr0;
                for (int i = 0; i < 6; i++)
                {
                    if (mode == 0)
                    {
                        Segmentation.SetReal(s, i, i == SegmentIndex.Cs ? (ushort)(Calls >> 4) : (ushort)random.Next(0x8000));
                    }
                    else
                    {
                        SegmentRegister* r = CpuState.Segment(s, i);
                        (r->Base, r->Limit, r->Attributes) = (0, 0xFFFFFFFF, i == SegmentIndex.Cs ? (ushort)0xC09B : (ushort)0xC093);
                        r->Update();
                    }
                }
            }
            else
            {
                Segmentation.SetV86(s, SegmentIndex.Cs, (ushort)(Calls >> 4));
                Segmentation.SetV86(s, SegmentIndex.Es, (ushort)random.Next(0x10000));
            }

            for (int i = 0; i < 8; i++)
            {
                CpuState.R32(s, i) = random.Next(3) == 0 ? (uint)random.NextInt64() : (uint)random.Next(0x10000);
            }

            machine.Memory.Write(Table + (4 * (uint)random.Next(0x100)), 0u);
            s->Eip = mode == 2 ? entry : entry - Calls;
            PageWalk.FlushAll(s);
            CpuMode.Update(s);
            CpuCore.UpdatePending(s);
            Assert.DoesNotThrow(machine.Cpu.ExecuteOneRaw, $"round {round}, service {service:X2}h, mode {mode}");
        }
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

        foreach (int segment in (ReadOnlySpan<int>)[SegmentIndex.Fs, SegmentIndex.Gs])
        {
            Segmentation.SetV86(s, segment, 0);
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
