using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace Emulator.Tests.Core;

/// <summary>What the TLB and the decoded blocks must forget, and when.</summary>
[TestFixture]
public sealed unsafe class TranslationTests
{
    [TestCase(false)]
    [TestCase(true)]
    public void Invlpg_drops_every_part_of_a_large_page(bool pae)
    {
        CpuCore core = TestMachine.Create();
        core.Memory.Write(0x2000u, 0x11111111u);
        core.Memory.Write(0x202000u, 0x22222222u);

        // mov eax,[402000h] ; mov dword [target], ... ; invlpg [400000h] ; mov ebx,[402000h] ; jmp $
        uint entry = pae ? 0x201010u : 0x200004u;
        byte[] code = [0xA1, 0, 0x20, 0x40, 0, 0xC7, 0x05, .. BitConverter.GetBytes(entry), .. BitConverter.GetBytes(pae ? 0x2000E3u : 0xE3u | 0x80000000u),
            0x0F, 0x01, 0x3D, 0, 0, 0x40, 0, 0x8B, 0x1D, 0, 0x20, 0x40, 0, 0xEB, 0xFE];
        TestMachine.RunFlatCode(core, code);
        if (pae)
        {
            core.Memory.Write(0x200000u, 0x201001ul);
            core.Memory.Write(0x201000u, 0xE3ul);
            core.Memory.Write(0x201008u, 0x2000E3ul);
            core.Memory.Write(0x201010u, 0xE3ul);
            core.State->Pdpte[0] = 0x201001;
            core.State->Cr4 |= Cr4.PAE;
        }
        else
        {
            core.Memory.Write(0x200000u, 0xE3u);
            core.Memory.Write(0x200004u, 0xE3u);
            core.State->Cr4 |= Cr4.PSE;
        }

        core.State->Cr3 = 0x200000;
        core.State->Cr0 |= Cr0.PG;
        PageWalk.FlushAll(core.State);
        core.Run(10);
        Assert.Multiple(() =>
        {
            Assert.That(CpuState.R32(core.State, 0), Is.EqualTo(0x11111111));
            Assert.That(CpuState.R32(core.State, 3), Is.EqualTo(pae ? 0x22222222 : 0xFFFFFFFF));
        });
    }

    [Test]
    public void Code_in_a_device_is_fetched_again_each_time()
    {
        CpuCore core = TestMachine.Create();
        Window device = new([0xB0, 1, 0xE9, 0xF9, 0xFF, 0x00, 0x80]); // mov al,1 ; jmp 10000h
        core.Memory.MapDevice(0x80000000, 4096, device, &Window.Read, &Window.Write, null);

        // jmp 80000000h
        TestMachine.RunFlatCode(core, [0xE9, 0xFB, 0xFF, 0xFE, 0x7F]);
        core.Run(30);
        Assert.That(CpuState.R32(core.State, 0) & 0xFF, Is.EqualTo(1));
        device.Bytes[1] = 2;
        core.Run(30);
        Assert.That(CpuState.R32(core.State, 0) & 0xFF, Is.EqualTo(2));
    }

    [Test]
    public void A_device_access_that_also_overwrites_its_block_leaves_no_patch_behind()
    {
        CpuCore core = TestMachine.Create();
        Window device = new(new byte[4096]) { Core = core };
        core.Memory.MapDevice(0xF000, 4096, device, &Window.Read, &Window.Write, null);

        // jmp start ; start: add [FFFFh], eax (device and this very block) ; nop ; inc ebx ; mov al,[F000h] ; inc ebx ; inc ebx ; jmp $
        TestMachine.RunFlatCode(core, [0xEB, 0x00, 0x01, 0x05, 0xFF, 0xFF, 0, 0, 0x90, 0x43, 0xA0, 0, 0xF0, 0, 0, 0x43, 0x43, 0xEB, 0xFE]);
        core.State->Eip = TestMachine.CodeAddress;
        device.Stop = true;
        List<long> stops = [];
        for (int i = 0; i < 6; i++)
        {
            if (core.Run(20 - core.Retired) == StopReason.Requested)
            {
                stops.Add(core.Retired);
            }
        }

        Assert.That(stops, Is.EqualTo(new long[] { 2, 5 }), "each access stops behind its own instruction");
    }

    [Test]
    public void Decoded_code_beyond_the_size_of_its_arena_is_decoded_anew()
    {
        CpuCore core = TestMachine.Create();

        // l: inc byte [p+1] ; 50 nops ; p: mov bl,0 ; inc ecx ; jmp l
        byte[] code = [0xFE, 0x05, 0x39, 0, 1, 0, .. Enumerable.Repeat((byte)0x90, 50), 0xB3, 0, 0x41, 0xEB, 0xC3];
        TestMachine.RunFlatCode(core, code);
        core.Run(54L * 60_000);
        Assert.Multiple(() =>
        {
            Assert.That(CpuState.R32(core.State, 1), Is.EqualTo(60_000));
            Assert.That(CpuState.R32(core.State, 3), Is.EqualTo(60_000 & 0xFF));
            Assert.That(core.Blocks.BlocksDecoded, Is.GreaterThan(100_000), "more than 64 MiB of blocks");
        });
    }

    [Test]
    public void Ins_checks_alignment_before_it_reads_the_port()
    {
        PortMap ports = new(NullLogger.Instance);
        Counter counter = new();
        ports.Map(0x300, 2, 2, counter, &Counter.Read, null);
        CpuCore core = TestMachine.Create(ports);
        TestMachine.RunFlatCode(core, [0x66, 0x6D, 0xEB, 0xFE]);
        int vector = -1;
        core.DeliveryObserver = (_, v) => vector = v;
        core.State->Cpl = 3;
        core.State->Cr0 |= Cr0.AM;
        core.State->EflagsRest |= Eflags.AC | Eflags.IoplMask;
        CpuState.R32(core.State, 2) = 0x300;
        CpuState.R32(core.State, 7) = 0x8001;
        CpuMode.Update(core.State);
        core.ExecuteOneRaw();
        Assert.That((vector, counter.Reads), Is.EqualTo(((int)ExceptionVector.AlignmentCheck, 0)));
    }

    private sealed class Counter
    {
        public int Reads { get; private set; }

        public static uint Read(object target, ushort port, int size)
        {
            ((Counter)target).Reads++;
            return 0;
        }
    }

    private sealed class Window(byte[] bytes)
    {
        public byte[] Bytes => bytes;

        public CpuCore? Core { get; init; }

        public bool Stop { get; set; }

        public static ulong Read(object target, uint address, int size)
        {
            Window self = (Window)target;
            if (self.Stop)
            {
                self.Core!.RequestStop();
            }

            ulong value = 0;
            for (uint i = 0; i < size; i++)
            {
                uint at = (address & 0xFFF) + i;
                value |= (at < self.Bytes.Length ? self.Bytes[at] : (ulong)0) << (int)(8 * i);
            }

            return value;
        }

        public static void Write(object target, uint address, int size, ulong value)
        {
        }
    }
}
