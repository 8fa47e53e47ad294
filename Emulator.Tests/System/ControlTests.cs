using System.Text;
using Emulator.Core.Cpu;
using Emulator.Core.Snapshot;
using Iced.Intel;
using NUnit.Framework;
using static Emulator.Tests.SystemInstructions.SystemMachine;
using static Iced.Intel.AssemblerRegisters;

namespace Emulator.Tests.SystemInstructions;

/// <summary>Control registers, MSRs, CPUID, SYSENTER, unreal mode and the CPU's snapshot.</summary>
[TestFixture]
internal sealed unsafe class ControlTests
{
    private const string Chunk = "cpu";

    [TestCase(0, 0x80000000u, Description = "PG without PE")]
    [TestCase(0, 0x20000001u, Description = "NW without CD")]
    [TestCase(4, 0x800u, Description = "reserved bit")]
    public void Bad_control_register_value_is_general_protection(int register, uint value)
    {
        SystemMachine m = new();
        CpuState.R32(m.State, 2) = value;
        m.Code(a => a.mov(register == 0 ? cr0 : cr4, edx));
        m.Run();
        Assert.That((m.Delivered, m.Stack(0)), Is.EqualTo((13, 0u)));
    }

    [Test]
    public void Cr4_bits_that_the_model_lacks_are_reserved()
    {
        SystemMachine m = new(CpuModel.Find("pentium"));
        CpuState.R32(m.State, 2) = Cr4.PGE;
        m.Code(a => a.mov(cr4, edx));
        m.Run();
        Assert.That(m.Delivered, Is.EqualTo(13));
    }

    [Test]
    public void Reserved_bits_in_page_directory_pointers_are_general_protection()
    {
        SystemMachine m = new();
        m.State->Cr4 |= Cr4.PAE;
        m.Write32(0x60000, 0x61003);
        CpuState.R32(m.State, 3) = 0x60000;
        CpuState.R32(m.State, 2) = m.State->Cr0 | Cr0.PG;
        m.Code(a =>
        {
            a.mov(cr3, ebx);
            a.mov(cr0, edx);
        });
        m.Run();
        Assert.That((m.Delivered, m.Stack(4)), Is.EqualTo((13, CodeAddress + 3)));
        Assert.That(m.State->Cr0 & Cr0.PG, Is.Zero);
    }

    [TestCase(0x10u, false)]
    [TestCase(0x277u, false)]
    [TestCase(0xC0000080u, false)]
    [TestCase(0x12345u, true)]
    [TestCase(0x79u, true, Description = "write-only")]
    public void Msr_reads(uint number, bool faults)
    {
        SystemMachine m = new();
        CpuState.R32(m.State, 1) = number;
        m.Code(a =>
        {
            a.rdmsr();
            a.hlt();
        });
        m.Run();
        Assert.That(m.Delivered, Is.EqualTo(faults ? 13 : -1));
    }

    [TestCase(0x277u, 2ul, Description = "reserved memory type")]
    [TestCase(0xC0000080u, 0x100ul, Description = "long mode does not exist")]
    [TestCase(0x2FFu, 0x1000ul)]
    public void Bad_msr_value_is_general_protection(uint number, ulong value)
    {
        SystemMachine m = new();
        CpuState.R32(m.State, 1) = number;
        CpuState.R32(m.State, 0) = (uint)value;
        m.Code(a => a.wrmsr());
        m.Run();
        Assert.That(m.Delivered, Is.EqualTo(13));
    }

    [Test]
    public void Time_stamp_counts_from_what_was_written()
    {
        SystemMachine m = new();
        CpuState.R32(m.State, 1) = 0x10;
        CpuState.R32(m.State, 0) = 1000;
        CpuState.R32(m.State, 2) = 1;
        m.Code(a =>
        {
            a.wrmsr();
            a.rdtsc();
            a.hlt();
        });
        m.Run();
        Assert.That(CpuState.R32(m.State, 2), Is.EqualTo(1));
        Assert.That(m.Eax, Is.EqualTo(1004), "one instruction of 4 ns later");
    }

    [Test]
    public void Cpuid_of_each_model_is_its_feature_set([ValueSource(typeof(CpuModel), nameof(CpuModel.All))] CpuModel model)
    {
        CpuLeaf zero = CpuIdentification.Leaf(model, 0);
        byte[] vendor = [.. BitConverter.GetBytes(zero.Ebx), .. BitConverter.GetBytes(zero.Edx), .. BitConverter.GetBytes(zero.Ecx)];
        Assert.That(Encoding.ASCII.GetString(vendor), Is.EqualTo("GenuineIntel"));
        CpuLeaf one = CpuIdentification.Leaf(model, 1);
        Assert.That(one.Eax, Is.EqualTo(model.Signature));
        Assert.That((one.Edx & (1u << 26)) != 0, Is.EqualTo(model.Has(CpuFeatures.Sse2)));
        Assert.That((one.Edx & (1u << 4)) != 0, Is.EqualTo(model.Has(CpuFeatures.Tsc)));
        Assert.That((one.Edx & (1u << 9)) != 0, Is.EqualTo(model.Name != "486"), "local APIC");
    }

    [Test]
    public void Sysenter_and_sysexit_set_flat_segments()
    {
        SystemMachine m = new();
        m.State->SysenterCs = Code0;
        m.State->SysenterEsp = 0x2A000;
        m.State->SysenterEip = KernelEntry;
        m.SetPrivilege(3);
        m.State->EflagsRest |= Eflags.IF;
        m.Code(a => a.sysenter());
        m.Put(KernelEntry, 32, a =>
        {
            a.mov(ebx, cs);
            a.mov(ecx, 0x25000);
            a.mov(edx, 0x1A000);
            a.sysexit();
        });
        m.Put(0x1A000, 32, a => a.int3());
        m.Run();
        Assert.That(m.Delivered, Is.EqualTo(3));
        Assert.That(CpuState.R32(m.State, 3), Is.EqualTo(Code0));
        Assert.That(m.Stack(4), Is.EqualTo(Code3));
        Assert.That(m.Stack(8), Is.EqualTo(Eflags.Fixed));
        Assert.That(m.Stack(12), Is.EqualTo(0x25000));
        Assert.That(m.Stack(16), Is.EqualTo(Data3));
    }

    [Test]
    public void Sysenter_without_a_selector_is_general_protection()
    {
        SystemMachine m = new();
        m.Code(a => a.sysenter());
        m.Run();
        Assert.That(m.Delivered, Is.EqualTo(13));
    }

    [Test]
    public void Unreal_mode_keeps_the_limit_across_segment_loads()
    {
        SystemMachine m = new();
        LoadRealCode(m, a =>
        {
            a.mov(ax, 0x100);
            a.mov(ds, ax);
            a.mov(esi, 0x200000);
            a.mov(__byte_ptr[esi], 0x5A);
            a.hlt();
        });
        m.Run();
        Assert.That(m.Core.Memory.Read<byte>(0x201000), Is.EqualTo(0x5A));
    }

    [Test]
    public void Pop_segment_in_protected_mode_checks_and_sets_accessed()
    {
        SystemMachine m = new();
        m.SetDescriptor(Spare, 0x00CF92000000FFFF);
        m.Code(a =>
        {
            a.push((int)Spare);
            a.pop(es);
            a.hlt();
        });
        m.Run();
        Assert.That(CpuState.Segment(m.State, SegmentIndex.Es)->Selector, Is.EqualTo(Spare));
        Assert.That(m.DescriptorType(Spare), Is.EqualTo(0x93));
    }

    [Test]
    public void Snapshot_restores_the_state_and_the_retired_count()
    {
        SystemMachine m = new();
        m.Code(a =>
        {
            a.mov(eax, 7);
            a.add(eax, -7);
            a.push(eax);
            a.hlt();
        });
        m.Run(3);
        StateArchive save = new(Chunk, 1);
        m.Core.Serialize(save);

        SystemMachine other = new();
        other.Core.Serialize(new StateArchive(Chunk, 1, save.ToArray()));
        Assert.That(other.Core.Retired, Is.EqualTo(m.Core.Retired));
        Assert.That(other.Eflags, Is.EqualTo(m.Eflags));
        Assert.That(other.Esp, Is.EqualTo(m.Esp));
        Assert.That(other.State->ModeKey, Is.EqualTo(m.State->ModeKey));
        StateArchive again = new(Chunk, 1);
        other.Core.Serialize(again);
        Assert.That(again.ToArray(), Is.EqualTo(save.ToArray()));
    }

    [TestCase("cpl", 4)]
    [TestCase("cs.attributes", 0xFF)]
    [TestCase("cr0", 0)]
    public void Hostile_snapshot_is_rejected_and_changes_nothing(string field, int value)
    {
        SystemMachine m = new();
        StateArchive save = new(Chunk, 1);
        m.Core.Serialize(save);
        byte[] data = save.ToArray();
        byte[] name = [.. BitConverter.GetBytes(field.Length), .. Encoding.UTF8.GetBytes(field)];
        int at = data.AsSpan().IndexOf(name) + name.Length + 4;
        data[at] = (byte)value;
        if (field == "cs.attributes")
        {
            data[at + 1] = 0x0F;
        }
        else if (field == "cr0")
        {
            data[at + 3] = 0x80;
        }

        uint eip = m.State->Eip = 0x1234;
        Assert.That(() => m.Core.Serialize(new StateArchive(Chunk, 1, data)), Throws.TypeOf<SnapshotException>());
        Assert.That(m.State->Eip, Is.EqualTo(eip));
    }

    /// <summary>Real mode with CS at 1000h and flat limits left over from protected mode.</summary>
    private static void LoadRealCode(SystemMachine m, Action<Assembler> code)
    {
        m.State->Cr0 &= ~Cr0.PE;
        for (int i = 0; i < 6; i++)
        {
            Segmentation.SetHidden(m.State, i, 0, 0, 0xFFFFFFFF, 0x8093);
        }

        Segmentation.SetHidden(m.State, SegmentIndex.Cs, 0x1000, 0x10000, 0xFFFF, 0x93);
        m.State->Eip = 0;
        m.Code(code);
    }
}
