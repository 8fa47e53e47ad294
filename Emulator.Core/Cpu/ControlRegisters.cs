using Emulator.Core.Memory;

namespace Emulator.Core.Cpu;

/// <summary>Writes to CR0, CR3 and CR4 with their checks and flushes (SDM volume 3, sections 2.5 and 4.10.4).</summary>
public static unsafe class ControlRegisters
{
    /// <summary>CR0 bits that exist.</summary>
    internal const uint Cr0Bits = Cr0.PE | Cr0.MP | Cr0.EM | Cr0.TS | Cr0.ET | Cr0.NE | Cr0.WP | Cr0.AM | Cr0.NW | Cr0.CD | Cr0.PG;

    /// <summary>Writes CR0; false with #GP(0) recorded. Reserved bits are ignored.</summary>
    /// <param name="s">The state.</param>
    /// <param name="value">The value.</param>
    public static bool WriteCr0(CpuState* s, uint value)
    {
        value = (value & Cr0Bits) | Cr0.ET;
        if ((value & (Cr0.PG | Cr0.PE)) == Cr0.PG || (value & (Cr0.NW | Cr0.CD)) == Cr0.NW)
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
        }

        uint changed = value ^ s->Cr0;
        if ((value & Cr0.PG) != 0 && (s->Cr4 & Cr4.PAE) != 0 && (changed & (Cr0.PG | Cr0.CD | Cr0.NW)) != 0
            && !PageWalk.LoadPageDirectoryPointers(s, s->Cr3))
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
        }

        s->Cr0 = value;
        if ((changed & (Cr0.PG | Cr0.WP | Cr0.PE)) != 0)
        {
            PageWalk.FlushAll(s);
        }

        CpuMode.Update(s);
        return true;
    }

    /// <summary>Loads the machine status word: PE (which it cannot clear), MP, EM and TS; false with #GP(0) recorded.</summary>
    /// <param name="s">The state.</param>
    /// <param name="value">The value.</param>
    public static bool LoadMachineStatus(CpuState* s, ushort value) =>
        WriteCr0(s, (s->Cr0 & ~(Cr0.MP | Cr0.EM | Cr0.TS)) | (value & (Cr0.PE | Cr0.MP | Cr0.EM | Cr0.TS)));

    /// <summary>Writes CR3 and drops translations that are not global; false with #GP(0) recorded.</summary>
    /// <param name="s">The state.</param>
    /// <param name="value">The value.</param>
    public static bool WriteCr3(CpuState* s, uint value)
    {
        if ((s->Cr0 & Cr0.PG) != 0 && (s->Cr4 & Cr4.PAE) != 0 && !PageWalk.LoadPageDirectoryPointers(s, value))
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
        }

        s->Cr3 = value;
        PageWalk.FlushNonGlobal(s);
        return true;
    }

    /// <summary>Writes CR4; false with #GP(0) recorded. Bits that the CPU model lacks are reserved.</summary>
    /// <param name="s">The state.</param>
    /// <param name="value">The value.</param>
    public static bool WriteCr4(CpuState* s, uint value)
    {
        if ((value & ~Cr4Bits(CpuCore.Of(s).Model)) != 0)
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
        }

        uint changed = value ^ s->Cr4;
        if ((s->Cr0 & Cr0.PG) != 0 && (value & Cr4.PAE) != 0 && (changed & (Cr4.PAE | Cr4.PSE | Cr4.PGE)) != 0
            && !PageWalk.LoadPageDirectoryPointers(s, s->Cr3))
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
        }

        s->Cr4 = value;
        if ((changed & (Cr4.PAE | Cr4.PSE | Cr4.PGE)) != 0)
        {
            PageWalk.FlushAll(s);
        }

        CpuMode.Update(s);
        return true;
    }

    /// <summary>CR4 bits that a CPU model has.</summary>
    /// <param name="model">The model.</param>
    public static uint Cr4Bits(CpuModel model)
    {
        uint bits = 0;
        bits |= model.Has(CpuFeatures.Vme) ? Cr4.VME | Cr4.PVI : 0;
        bits |= model.Has(CpuFeatures.Tsc) ? Cr4.TSD : 0;
        bits |= model.Has(CpuFeatures.De) ? Cr4.DE : 0;
        bits |= model.Has(CpuFeatures.Pse) ? Cr4.PSE : 0;
        bits |= model.Has(CpuFeatures.Pae) ? Cr4.PAE : 0;
        bits |= model.Has(CpuFeatures.Msr) ? Cr4.MCE : 0;
        bits |= model.Has(CpuFeatures.Pge) ? Cr4.PGE : 0;
        bits |= model.Has(CpuFeatures.Mtrr) ? Cr4.PCE : 0;
        bits |= model.Has(CpuFeatures.Fxsr) ? Cr4.OSFXSR : 0;
        bits |= model.Has(CpuFeatures.Sse) ? Cr4.OSXMMEXCPT : 0;
        return bits;
    }
}
